"""One function's steps.

In: the bytes of a file and a function that it declares.  Out: `ir.Body`.
Never: raises on broken code, save `RecursionError` where it is nested too deep.
"""

from __future__ import annotations

import libcst as cst

from lockcheck import ir
from lockcheck.frontends.python import syntax
from lockcheck.frontends.python.flow import Flow
from lockcheck.frontends.python.scan import MODULE


class Lowering(Flow):
    """Lowers one function."""

    def module(self, function: ir.Function, node: cst.Module) -> ir.Body:
        """A module's own statements: every name in them is the module's."""
        self.result = self.slot("", "result", function.at)
        root = self.filled(function.at, lambda: self.block(node), (), ir.RETURN)
        return ir.Body(tuple(self.slots), root, self.result)

    def function(self, function: ir.Function, node: cst.FunctionDef) -> ir.Body:
        self.names.append({})
        self.outside.append(set())
        bound, outside = syntax.assigned(node.body)
        params = function.params
        if params and params[0].name.endswith("[0]"):  # (the first of what it gathers: it is not written)
            self.names[-1][params[0].name] = self.slot(params[0].name, "param", function.at, None, True)
            params = params[1:]
        for param, written in zip(params, _params(node.params), strict=False):
            name = written.name.value
            fixed = name not in bound
            slot = self.slot(param.name, "param", self.at(written.name), param.type, fixed)
            if not (fixed and isinstance(written.default, cst.Name) and written.default.value == name):
                self.names[-1][name] = slot  # (`gc=gc` is what the module calls so)
        for param in function.closed_params:
            fixed = param.name not in bound
            self.names[-1][param.name] = self.slot(param.name, "param", function.at, param.type, fixed)
        if function.takes_self and function.params:
            self.method_of = 0
        for name in set(function.wraps[1:]) - bound - self.names[-1].keys():
            self.names[-1][name] = self.slot(name, "local", function.at)
        self.wraps = function.wraps[0] if function.wraps else ""
        self.result = self.slot("", "result", function.at, function.returns)
        self.lent = self.result if function.around else -1
        self.waits = function.runs_when_awaited and node.asynchronous is None
        self.locals(node.body, bound, outside)
        root = self.filled(function.at, lambda: self.block(node.body), (), ir.RETURN)
        uses = tuple((slot, tuple(places)) for slot, places in self.uses.items())
        return ir.Body(tuple(self.slots), root, self.result, uses, tuple(sorted(self.unseen)))

    def locals(self, body: cst.CSTNode, bound: set[str], outside: set[str]) -> None:
        """Every name that a body binds is a variable of its function from its beginning."""
        for name in sorted(bound - self.names[-1].keys()):
            self.names[-1][name] = self.slot(name, "local", self.at(body))
        self.outside[-1] |= outside

    def closure(self, node: cst.FunctionDef | cst.Lambda | cst.GeneratorExp, source: ir.Place | None = None) -> int:
        """A function within the function: it sees the variables around it; its own ways out are its own."""
        own = _params(node.params) if not isinstance(node, cst.GeneratorExp) else []
        for default in own:
            if default.default is not None:
                self.value(default.default)
        dst, result = self.slot(), self.slot()
        kept = self.around, self.loops, self.leave_function, self.result, self.lends, self.lent, self.waits
        self.names.append({})
        self.outside.append(set())
        params = []
        for one in own:
            params.append(self.slot(one.name.value, "param", self.at(one.name)))
            self.names[-1][one.name.value] = params[-1]
        label = self.label()
        self.around, self.loops, self.leave_function, self.result = [], [], label, result
        self.lends, self.lent = isinstance(node, cst.FunctionDef) and syntax.runs_around(node), -1
        self.waits = False

        def fill() -> None:
            if isinstance(node, cst.Lambda):
                self.take(result, self.value(node.body))
            elif isinstance(node, cst.GeneratorExp):
                self.take(result, self.comprehension(node, source))
            else:
                self.locals(node.body, *syntax.assigned(node.body))
                self.block(node.body)

        body = self.filled(self.at(node), fill, (), label)
        self.around, self.loops, self.leave_function, self.result, self.lends, self.lent, self.waits = kept
        self.names.pop()
        self.outside.pop()
        deferred = isinstance(node, cst.FunctionDef) and node.asynchronous is not None
        self.put(ir.Lambda(dst, tuple(params), body, result, deferred=deferred))
        return dst


def _params(params: cst.Parameters) -> list[cst.Param]:
    """The parameters in the order in which they are written."""
    found = [*params.posonly_params, *params.params]
    if isinstance(params.star_arg, cst.Param):
        found.append(params.star_arg)
    found += params.kwonly_params
    return [*found, params.star_kwarg] if params.star_kwarg is not None else found


def lower(data: bytes, function: ir.Function) -> ir.Body:
    """The steps of a function. Raises syntax.UnreadableError where its text is no Python."""
    parsed = syntax.parse_module(data, function.at) if function.name == MODULE else syntax.parse(data, function.at)
    lowering = Lowering(parsed)
    if isinstance(parsed.node, cst.Module):
        return lowering.module(function, parsed.node)
    return lowering.function(function, parsed.node)

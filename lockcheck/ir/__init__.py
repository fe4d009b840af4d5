"""What every language lowers to: declarations, and for each function a tree of steps.

In: nothing.  Out: the values that front ends make, the linker resolves and the analysis walks.
Never: a word of syntax, a language's name, a position other than byte offsets into the unit's file.

Two laws carry everything above:

*A region owns its slots.* Whatever a slot still holds when its region ends is given back there. `with lock:`,
`{ let g = m.lock(); … }` and the temporary in `if let Some(x) = m.read().get(k) {…} else {…}` are all regions;
where a region ends is the language's drop rule and is decided by the front end alone.

*Guards travel with values.* `Move` carries what the source holds to the destination; a call's result slot holds
what the callee hands out; a slot that is read by reference keeps what it holds.

Front ends write `Call`; they do not know what it means. The linker replaces each by what it means
(`Acquire`, `Release`, `Invoke`, `Suspend`, `Block`, `Move`) and leaves the structure as it is.
"""

from lockcheck.ir.declarations import *  # noqa: F403 (one vocabulary, spoken as `ir.Place`, in three files)
from lockcheck.ir.places import *  # noqa: F403
from lockcheck.ir.steps import *  # noqa: F403

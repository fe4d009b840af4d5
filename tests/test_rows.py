"""Locks on the rows of a database: of which class, until when, and what asks for rows without waiting for them.

What is said only: it takes a server with rows to see two transactions wait for each other.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import write_tree

MODELS = """\
from django.db import models
class Base(models.Model):
    class Meta:
        abstract = True
class Account(Base):
    pass
class Order(models.Model):
    pass
class Shelf:
    objects = None
"""
HEAD = """\
import time
from django.db import transaction
from .models import Account, Order, Shelf
"""
PAY = """\
def pay(key):
    with transaction.atomic():
        account = Account.objects.select_for_update().get(pk=key)
        order = Order.objects.filter(paid=False).select_for_update().get(pk=key)
"""


def said(tmp_path: Path, source: str) -> list[tuple[str, int]]:
    """Codes and lines (from 1, of what stands behind `HEAD`) of what is said of a file, every persona's."""
    files = {"shop/__init__.py": "", "shop/models.py": MODELS, "shop/pay.py": HEAD + source}
    write_tree(tmp_path, files)
    command = [
        sys.executable,
        "-m",
        "lockcheck",
        "check",
        ".",
        "--output",
        "json",
        "--no-cache",
        "--persona",
        "pedantic",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    return [(one["code"], one["line"] - HEAD.count("\n")) for one in json.loads(done.stdout)["findings"]]


def test_rows_in_both_orders(tmp_path: Path) -> None:
    cancel = """\
@transaction.atomic
def cancel(key):
    order = Order.objects.select_for_update().get(pk=key)
    refund(key)
def refund(key):
    return Account.objects.all().select_for_update().get(pk=key)
"""
    assert [code for code, _ in said(tmp_path, PAY + cancel)] == ["LCK301"]


@pytest.mark.parametrize(
    "source",
    [
        "def again(key):\n    with transaction.atomic():\n"
        "        Account.objects.select_for_update().get(pk=key)\n"
        "        Order.objects.select_for_update().get(pk=key)\n",
        "def apart(key):\n    with transaction.atomic():\n        Order.objects.select_for_update().get(pk=key)\n"
        "    with transaction.atomic():\n        Account.objects.select_for_update().get(pk=key)\n",
        "def quick(key):\n    with transaction.atomic():\n        Order.objects.select_for_update().get(pk=key)\n"
        "        Account.objects.select_for_update(nowait=True).get(pk=key)\n",
        "def free(key):\n    with transaction.atomic():\n        Order.objects.select_for_update().get(pk=key)\n"
        "        Account.objects.select_for_update(skip_locked=True).get(pk=key)\n",
        "def read(key):\n    with transaction.atomic():\n        Order.objects.select_for_update().get(pk=key)\n"
        "        Account.objects.get(pk=key)\n",
        "def shelf(key):\n    with transaction.atomic():\n        Order.objects.select_for_update().get(pk=key)\n"
        "        Shelf.objects.select_for_update().get(pk=key)\n",
    ],
    ids=["same order", "two transactions", "nowait", "skip_locked", "only read", "no rows"],
)
def test_no_other_order(source: str, tmp_path: Path) -> None:
    assert said(tmp_path, PAY + source) == []


def test_rows_are_kept_to_the_end_of_the_transaction(tmp_path: Path) -> None:
    source = """\
def wait(key):
    with transaction.atomic():
        with transaction.atomic():
            time.sleep(1)
            Account.objects.select_for_update().get(pk=key)
        time.sleep(2)
    time.sleep(3)
def outer(key):
    with transaction.atomic():
        Account.objects.select_for_update().get(pk=key)
        time.sleep(4)
"""
    assert said(tmp_path, source) == [("LCK402", 6), ("LCK402", 11)]

"""lockcheck finds lock-scope bugs in Rust and Python sources: guards that live longer than they look."""

__version__ = "0.1.0"

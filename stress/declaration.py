"""The declaration of a model, a class: what of it cannot be, whatever its subject.

It is looked at when the class is made, before anybody asks anything of it.  What only shows when
it is tried is for `stress.examination`.
"""

import dataclasses
import dis
from collections.abc import Mapping
from typing import Any, Final

from stress.operation import ModelError, Operation, ResultOf, operation_of
from stress.plain import is_hashable

CONSISTENCIES: Final = ("real-time", "sequential")
TABLES: Final = ("mutants", "equivalents", "programs", "roles")
SIZES: Final = ("most_threads", "most_calls")


def check(cls: type[Any], base: type[Any]) -> None:
    """Raise ModelError for what is wrong with `cls`, a model; `base` is `stress.model.Model`."""
    _check_options(cls)
    taken = {*vars(base), *vars(base())}
    _check_state(cls, taken - set(base.__annotations__))
    _check_operations(cls, taken)
    _check_untyped(cls)


def _check_options(cls: type[Any]) -> None:
    """Raise ModelError for what a model says beside its state and operations."""
    if cls.consistency not in CONSISTENCIES:
        raise ModelError(
            f"{cls.__name__}.consistency is {cls.consistency!r}.\n"
            f"  It is one of {', '.join(CONSISTENCIES)}."
        )
    for name in TABLES:
        if not isinstance(table := getattr(cls, name), Mapping):
            raise ModelError(
                f"{cls.__name__}.{name} is {table!r}.\n"
                f'  It is a dict, by name:  {name} = {{"name": ...}}'
            )
    for name in cls.mutants.keys() & cls.equivalents.keys():
        raise ModelError(
            f"{cls.__name__} has a mutant and an equivalent called {name!r}.\n"
            f"  Subjects are run by their names: give one of them another."
        )
    for name in SIZES:
        if not isinstance(size := getattr(cls, name), int) or size < 1:
            raise ModelError(f"{cls.__name__}.{name} is {size!r}.\n  It is a number from 1 on.")


def _check_state(cls: type[Any], taken: set[str]) -> None:
    """Raise ModelError for what cannot be a state, as if its name is one of `taken`."""
    for field in dataclasses.fields(cls):
        default = getattr(cls, field.name, dataclasses.MISSING)
        why = None
        if default is dataclasses.MISSING:
            why = "has no value to begin with"
        elif not is_hashable(default):
            why = f"is {default!r}, which has no hash: something in it can change in place"
        elif field.name in taken:
            why = "hides an attribute of Model, which means something else"
        if why:
            raise ModelError(
                f"{cls.__name__}.{field.name} {why}.\n"
                f"  The state begins somewhere and can be remembered: give it a number, a string, "
                f"a tuple or a frozenset.\n  What is no state is a ClassVar."
            )


def _check_operations(cls: type[Any], taken: set[str]) -> None:
    """Raise ModelError for an operation that does not go with the rest; none has a `taken` name."""
    operations: list[Operation] = cls.operations()
    names = [each.name for each in operations]
    for each in operations:
        if operation_of(getattr(cls, each.name)) is not each:
            raise ModelError(
                f"{cls.__name__}.{each.name} replaces an operation, and is none itself.\n"
                f"  Put @operation before it, with all that the other was declared with."
            )
        if each.name in taken:
            raise ModelError(
                f"{cls.__name__}.{each.name} hides an attribute of Model, which the harness needs."
                f"\n  Give the operation another name, and perform= to call the subject's method."
            )
        for argument in each.arguments.values():
            if isinstance(argument, ResultOf) and argument.operation not in names:
                raise ModelError(
                    f"operation {each.name} takes the result of {argument.operation!r}, which is "
                    f"no operation of {cls.__name__}.\n  It has: {', '.join(names)}."
                )
        if each.role is not None and each.role not in cls.roles:
            raise ModelError(
                f"operation {each.name} has the role {each.role!r}, and {cls.__name__}.roles does "
                f"not say how many threads may have it.\n"
                f"  Add it:  roles = {{{each.role!r}: 1}}"
            )


def _check_untyped(cls: type[Any]) -> None:
    """Raise ModelError for an attribute that an operation changes, and that is no state."""
    fields = set(cls.fields())
    for each in cls.operations():
        for instruction in dis.get_instructions(each.body):
            name = instruction.argval
            if instruction.opname == "STORE_ATTR" and name in vars(cls) and name not in fields:
                raise ModelError(
                    f"{cls.__name__}.{name} is changed by {each.name}, and has no type, so it is "
                    f"no state.\n"
                    f"  Give it one:  {name}: object = {vars(cls)[name]!r}"
                )

"""What a worker does: cases, failures made smaller, failures replayed.  It writes nothing.

One thing at a time, whatever threads its process has: the engines keep what is one in a process
(the garbage collector, Python's monitoring) to themselves.
"""

import faulthandler
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from multiprocessing import connection, parent_process
from pathlib import Path
from typing import Any, Final

from stress.campaign import constants, corpus, shrinking
from stress.campaign.engines import Workshop
from stress.campaign.outcome import Outcome, Sums
from stress.campaign.plan import Case, Plan

_BUSY: Final = threading.Lock()
_SHOPS: Final[dict[str, Workshop]] = {}
"""By campaign; a worker that serves another closes the first."""


def begin(plan: Plan, last_words: str = "") -> None:
    """Make this process a worker that ends with its parent, and heeds no Ctrl-C.

    How it crashes, and where it stands when it gets SIGUSR1, is written to the file `last_words`.
    """
    os.setsid()  # Ctrl-C is for the coordinator
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 1)  # whatever a model prints is no report
    if last_words:
        file = Path(last_words).open("a", encoding="utf-8")  # noqa: SIM115  (for as long as it lives)
        os.dup2(file.fileno(), 2)
        faulthandler.enable(file)
        faulthandler.register(signal.SIGUSR1, file)
    with _BUSY:
        _shop(plan)


def _end_with(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)


def done(plan: Plan, numbers: Sequence[int]) -> list[Outcome]:
    """Run the cases with these numbers."""
    with _BUSY:
        shop = _shop(plan)
        return [_done(shop, plan.case(number)) for number in numbers]


def _done(shop: Workshop, case: Case) -> Outcome:
    try:
        return shop.done(case)
    except Exception:  # noqa: BLE001  (of the harness: it is told whole, and the others go on)
        shop.close()
        wrong = f"The harness failed: {traceback.format_exc()}"
        return Outcome(case.number, case.model, case.engine, Sums(cases=1, errors={wrong: 1}))


def made_ready(plan: Plan, number: int, failure: dict[str, Any]) -> dict[str, Any]:
    """Return what case `number` met, smaller, and as it is to be saved."""
    with _BUSY:
        return shrinking.made_ready(_shop(plan), plan.case(number), failure)


def replayed(plan: Plan, path: str) -> str:
    """Say whether a failure of an earlier campaign still "fails" or is "mended"; "" is unknown."""
    with _BUSY:
        return corpus.again(_shop(plan), Path(path))


def _shop(plan: Plan) -> Workshop:
    """Return what is kept for `plan`.

    All its models are imported before the first case, so that no case is slower than others.
    """
    if plan.campaign not in _SHOPS:
        for shop in _SHOPS.values():
            shop.close()
        _SHOPS.clear()
        if "" not in sys.path:
            sys.path.insert(0, "")
        constants.only_from(plan.models)
        _SHOPS[plan.campaign] = Workshop(plan)
    return _SHOPS[plan.campaign]

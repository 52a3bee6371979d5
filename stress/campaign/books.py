"""The books of a campaign: what came back is entered once, and what failed is sorted by likeness.

Failures that seem alike (the same model, engine, kind and rule) are made smaller only until
`SHRUNK` of them have been; the rest is counted.  Each fingerprint that comes of it is saved once.
The file of a failure is there before the row that names it.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from stress import evidence, failures, fingerprint
from stress.campaign import shrinking
from stress.campaign.engines import origin
from stress.campaign.folder import Folder, executions
from stress.campaign.ledger import Finding, Pending
from stress.campaign.outcome import Outcome, Sums
from stress.coverage import Pairs
from stress.report.summary import Sample

SHRUNK: Final = 3
"""Failures that seem alike that are made smaller."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A failure that was made smaller, as it is to be saved."""

    pending: Pending
    failure: dict[str, Any]


@dataclass
class Books:
    """What the folder's database says, as far as it is needed to go on: some sums and sets."""

    folder: Folder
    totals: dict[tuple[str, str], Sums] = field(init=False)
    seen: dict[tuple[str, str], set[str]] = field(init=False)
    findings: dict[str, Finding] = field(init=False)
    pending: dict[int, Pending] = field(init=False)
    cases: int = field(init=False)

    def __post_init__(self) -> None:
        ledger = self.folder.ledger
        self.totals = ledger.sums()
        self.seen = {owner: set(pairs) for owner, pairs in self.folder.coverage().items()}
        self.findings = {each.fingerprint: each for each in ledger.findings()}
        self.pending = {each.number: each for each in ledger.pending()}
        self.cases = ledger.done()
        self._alike = ledger.alike()
        self._taken = Counter(each.coarse for each in self.pending.values())
        for finding in self.findings.values():
            self._taken[finding.coarse] += finding.times

    @property
    def executions(self) -> int:
        """Of all programs, state machines and instances."""
        return executions(self.totals)

    @property
    def coverage(self) -> int:
        """How many orders of two steps, or calls, were seen."""
        return sum(map(len, self.seen.values()))

    def pairs(self, model: str, engine: str) -> Pairs:
        """Return the pairs that one engine saw of one model."""
        return Pairs.of(self.seen.get((model, engine), ()))

    def enter(self, outcomes: Iterable[Outcome], ready: Iterable[Ready], seconds: float) -> None:
        """Enter what came back, in one transaction; `seconds` since the campaign began."""
        ready = [*ready]
        for each in ready:
            self._save(each.failure)
        with self.folder.ledger.writing():
            changed = set()
            for outcome in outcomes:
                if self.folder.ledger.enter(outcome):
                    self._add(outcome)
                    changed.add((outcome.model, outcome.engine))
            for owner in changed:
                self.folder.ledger.put_sums(*owner, self.totals[owner])
            for each in ready:
                self._found(each, seconds)
            self.folder.ledger.note({"seconds": repr(seconds)})

    def enter_sample(self, sample: Sample) -> None:
        """Enter how far the campaign is."""
        with self.folder.ledger.writing():
            self.folder.ledger.add_sample(sample)
            self.folder.ledger.note({"seconds": repr(sample.seconds)})

    def enter_known(self, number: str, failure: dict[str, Any], known: str) -> None:
        """Enter what became of a failure of an earlier campaign."""
        self._save(failure | {"fingerprint": number})
        coarse = fingerprint.coarse(failure)
        rule = failure["violations"][0]["rule"] if failure["violations"] else failure["kind"]
        new = Finding(number, coarse, failure["model"], failure["engine"], rule, 0, -1, 0.0)
        self.findings[number] = replace(self.findings.get(number, new), known=known)
        with self.folder.ledger.writing():
            self.folder.ledger.put_finding(self.findings[number])

    def as_it_is(self, pending: Pending, why: str = "") -> Ready:
        """Return a failure as it is to be saved that nobody makes smaller, for the reason `why`."""
        failure = {"checked": why, "tried": [], "tried_note": why} | pending.failure
        failure = shrinking.unrepeatable(failure, why)
        return Ready(pending, evidence.stated(failure))

    def _add(self, outcome: Outcome) -> None:
        owner = outcome.model, outcome.engine
        self.cases += 1
        self.totals.setdefault(owner, Sums()).add(outcome.sums)
        seen = self.seen.setdefault(owner, set())
        new = outcome.coverage - seen
        if new:
            seen |= new
            rows = [(*owner, pair, outcome.number) for pair in sorted(new)]
            self.folder.ledger.add_coverage(rows)
        for failure in outcome.failures:
            self._meet(outcome, failure)

    def _meet(self, outcome: Outcome, failure: dict[str, Any]) -> None:
        case = self.folder.plan.case(outcome.number)
        whole = failure | origin(self.folder.plan, case)
        coarse = fingerprint.coarse(whole)
        self._alike[coarse] = self._alike.get(coarse, 0) + 1
        self.folder.ledger.count_alike(coarse, self._alike[coarse])
        if self._taken[coarse] < SHRUNK:
            self._taken[coarse] += 1
            number = self.folder.ledger.add_pending(outcome.number, coarse, whole)
            self.pending[number] = Pending(number, outcome.number, coarse, whole)

    def _save(self, failure: dict[str, Any]) -> None:
        path = self.folder.failure_path(failure["fingerprint"])
        if not path.exists():
            failures.save(failure, path.parent, path.name)

    def _found(self, ready: Ready, seconds: float) -> None:
        pending, failure = ready.pending, ready.failure
        number = failure["fingerprint"]
        known = self.findings.get(number)
        if known is None:
            rule = failure["violations"][0]["rule"]
            case = self.folder.plan.case(pending.first)
            known = Finding(
                number, pending.coarse, case.model, case.engine, rule, 0, pending.first, seconds
            )
        self.findings[number] = replace(known, times=known.times + 1)
        self.folder.ledger.put_finding(self.findings[number])
        self.folder.ledger.drop_pending(pending.number)
        self.pending.pop(pending.number, None)

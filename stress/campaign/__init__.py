"""Campaigns: cases of every engine for hours, on many processes or machines; killed, they go on.

Only the coordinator writes.  Workers are told the plan and some numbers, and answer with what the
cases of these numbers came to; the coordinator commits them by number, so that each counts once,
however often it was run.

    plan          which case has which number
    engines       one case in each engine, and what a worker keeps from case to case
    outcome       what a case came to, and sums
    constants     what Hypothesis draws besides chance, the same in every process
    shrinking     a failure made smaller, checked and ready to be saved
    work          what a worker does
    workers       those of this machine; cluster: those of a Dask scheduler
    folder        what a campaign leaves: opened with suspicion, locked, read by others
    ledger        the database in it, where each case counts once
    coordinator   hands out cases and takes in what they came to
    books         what came back, entered once, and failures sorted by likeness
    suspects      cases during which workers died, run alone
    ending        the summary and the reports
    corpus        what a campaign takes over from one before it
"""

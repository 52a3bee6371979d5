"""What the registrar and its harness cost, and what they catch, on the machine at hand.

Nothing here fails for being slow: performance is measured, and where issue 2 set a reach, said to
be within it or not.  Other work on the machine changes every absolute figure, so what is
compared is measured in turns (A B C, A B C, ...), and only while each thread had its core.

    timing      threads that start together, and the clock around them
    figures     what the turns came to: nanoseconds, gains, reaches
    register    `register()` on a registered chunk, beside what it is made of
    recording   what the real-thread engine's recording costs
    faults      which deliberate faults are caught, by which engine, how soon
    explore     how fast executions are explored
    judge       how fast recorded histories are searched
    monitors    how fast those of known datatypes are judged
    campaign    what a campaign makes of the cores, and what a kill loses
    machines    how soon programs are drawn that show a fault, and how small they get
"""

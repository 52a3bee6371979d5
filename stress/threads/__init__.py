"""The real machine: free-threaded threads on real cores, in a child process that may crash.

Races of two threads are rare by themselves, so this engine makes meetings likely, as jcstress
does (Shipilev, "The Java Concurrency Stress Tests"): *strides* of many independent instances
that all threads sweep in step, a barrier at the start, random short pauses, threads pinned to
cores part of the time, and more threads than cores part of the time.  It counts the meetings that
really happened, because a run without any proves nothing.

    supervisor   starts the child, watches it, turns a crash or a hang into a finding
    child        shift after shift until the time is up; reports as JSON lines
    programs     the same for programs, which another child (`case`) runs one after another
    process      a child that is told what to do in lines, and whoever keeps one
    lifeline     how a child ends when its parent has been killed
    shift        N threads: prepare a stride, sweep it, judge it, again
    observed     a `Sync` that notes who waited for which lock, and pauses at random
    barrier      where the threads of a shift meet
    census       what a shift counted
    subject      what a model tells this engine
"""

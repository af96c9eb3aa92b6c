"""What a service does by itself and when asked: rounds of jobs, single probes, what is kept of both.

desk          all that a service holds; `ready` is the configuration in force, `members` its targets
rounds        the rounds of all jobs, by `schedule`; `runs` are their pipelines, `recording` tells the history
probing       one target, asked now; `flights` keep two from asking at once
access        what runs and probes share: sessions, connections, limits; `budget` bounds them, `topology`
              remembers links
events        what happens, for listeners; `notify` calls the webhook, `undelivered` keeps what that refused
retention     what is deleted of old runs
"""

"""`sekisho demo`: the programme on one machine, act by act, through the services that `sekisho serve` runs."""

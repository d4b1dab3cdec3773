"""Ground floor: settings, database, embedded cluster, errors, clock, audit, jobs. Imports nothing of ours."""

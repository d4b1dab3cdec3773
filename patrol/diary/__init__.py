"""民情日志: what a worker did on a day, composed from what is recorded anyway."""

"""What a sweep needs on a cluster: its flags, and the program of its tasks."""

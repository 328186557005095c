"""What a system bears: the steps of a load profile, its rate limit, where it degrades, advice."""

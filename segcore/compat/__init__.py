"""Stand-ins for other libraries' modules."""

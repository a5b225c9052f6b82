"""What a measured process of our own does: each function is called by name with JSON, in a child.

``python -m speed.child opening.movie '{"path": "..."}'`` prints what the function returns.
"""

"""What docs/scripts/make_performance_page.py makes the page of."""

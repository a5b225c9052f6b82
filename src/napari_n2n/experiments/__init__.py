"""The paper's experiments, each run to a report of its own that needs nothing else.

``protocol`` is what they share: a budget of time, a folder that remembers what is finished;
``report`` is the page that all of them write.
"""

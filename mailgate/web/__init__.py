"""What an operator's programs read over HTTP: ``/metrics``, ``/health``, ``/ping`` and ``/info``.

Never needed for intake: where it cannot start, everything else goes on and the log says so.
"""

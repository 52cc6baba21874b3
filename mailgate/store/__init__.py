"""The store: everything that must outlive the process, on SQLite or PostgreSQL.

``engine.open_store`` opens it; nothing outside this package knows which engine it is on. The
database's errors leave it as ``TryLater`` where the same call may succeed later; whatever else
comes out is a bug of ours.
"""

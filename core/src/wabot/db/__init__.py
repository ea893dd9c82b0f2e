"""PostgreSQL: the connection pool, the tables, the migrations, the embedded server."""

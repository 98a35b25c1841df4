"""Drives psycopg2, psycopg and asyncpg through what an application does. Prints one line "ok WHAT" or
"not ok WHAT: WHY" for each, for the test that runs it:
    client.py DRIVER
The connection comes from PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, PGSSLMODE."""
import asyncio
import io
import os
import select
import sys
import threading
import time

LARGE = 64 * 1024 * 1024


def tell(what, works, why=""):
    print(f"ok {what}" if works else f"not ok {what}: {why}", flush=True)


def attempt(what, step):
    try:
        result = step()
        tell(what, result is True, f"got {result!r:.200}")
    except Exception as error:  # whatever a driver raises is what the test wants to read
        tell(what, False, f"{type(error).__name__}: {error}".replace("\n", " ")[:300])


def encrypted_as_asked(value):
    return value == (os.environ.get("PGSSLMODE") != "disable")


ENCRYPTED = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"
COPIED = "1\tone\n2\ttwo\n3\t\\N\n"


def psycopg2_steps():
    import psycopg2
    import psycopg2.extensions

    def connect():
        connection = psycopg2.connect("")
        connection.autocommit = True
        return connection

    session = connect()
    cursor = session.cursor()

    def encryption():
        return encrypted_as_asked(session.info.ssl_in_use)

    def prepared():
        cursor.execute("prepare plan (int) as select $1 * 2")
        cursor.execute("execute plan (21)")
        return cursor.fetchone() == (42,)

    def copy():
        cursor.execute("create temp table copied (id int, name text)")
        cursor.copy_expert("copy copied from stdin", io.StringIO(COPIED))
        out = io.StringIO()
        cursor.copy_expert("copy (select * from copied order by id) to stdout", out)
        return out.getvalue() == COPIED

    def cancel():
        threading.Timer(0.5, session.cancel).start()
        start = time.monotonic()
        try:
            cursor.execute("select pg_sleep(30)")
        except psycopg2.extensions.QueryCanceledError:
            return time.monotonic() - start < 20
        return False

    def notify():
        other = connect()
        cursor.execute("listen news")
        other.cursor().execute("notify news, 'here'")
        deadline = time.monotonic() + 20
        while not session.notifies and time.monotonic() < deadline:
            select.select([session], [], [], 1)
            session.poll()
        other.close()
        return [note.payload for note in session.notifies] == ["here"]

    def large():
        cursor.execute("select repeat('x', %s)", (LARGE,))
        return len(cursor.fetchone()[0]) == LARGE

    return [encryption, prepared, copy, cancel, notify, large]


def psycopg_steps():
    import psycopg

    session = psycopg.connect("", autocommit=True)

    def encryption():
        return encrypted_as_asked(session.pgconn.ssl_in_use)

    def prepared():
        rows = [session.execute("select %s::int * 2", (n,), prepare=True).fetchone()[0] for n in range(8)]
        return rows == [n * 2 for n in range(8)]

    def pipeline():
        with session.pipeline():
            cursors = [session.execute("select %s::int", (n,)) for n in range(200)]
        return [cursor.fetchone()[0] for cursor in cursors] == list(range(200))

    def copy():
        session.execute("create temp table copied (id int, name text)")
        with session.cursor().copy("copy copied from stdin") as stream:
            stream.write(COPIED)
        with session.cursor().copy("copy (select * from copied order by id) to stdout") as stream:
            return b"".join(bytes(block) for block in stream).decode() == COPIED

    def cancel():
        threading.Timer(0.5, session.cancel).start()
        start = time.monotonic()
        try:
            session.execute("select pg_sleep(30)")
        except psycopg.errors.QueryCanceled:
            return time.monotonic() - start < 20
        return False

    def notify():
        session.execute("listen news")
        with psycopg.connect("", autocommit=True) as other:
            other.execute("notify news, 'here'")
        return next(session.notifies()).payload == "here"

    def large():
        return len(session.execute("select repeat('x', %s)", (LARGE,)).fetchone()[0]) == LARGE

    return [encryption, prepared, pipeline, copy, cancel, notify, large]


def asyncpg_steps():
    import asyncpg

    loop = asyncio.new_event_loop()
    run = loop.run_until_complete
    # asyncpg takes the address of a server from the environment as libpq does
    session = run(asyncpg.connect(timeout=60))

    def encryption():
        return encrypted_as_asked(session._transport.get_extra_info("ssl_object") is not None)

    def prepared():
        plan = run(session.prepare("select $1::int * 2"))
        return [run(plan.fetchval(n)) for n in range(8)] == [n * 2 for n in range(8)]

    def copy():
        run(session.execute("create temp table copied (id int, name text)"))
        run(session.copy_to_table("copied", source=io.BytesIO(COPIED.encode())))
        out = io.BytesIO()
        run(session.copy_from_query("select * from copied order by id", output=out))
        return out.getvalue().decode() == COPIED

    def cancel():
        start = time.monotonic()
        try:
            run(session.execute("select pg_sleep(30)", timeout=0.5))
        except asyncio.TimeoutError:
            return time.monotonic() - start < 20 and run(session.fetchval("select 1")) == 1
        return False

    def notify():
        heard = loop.create_future()

        async def exchange():
            await session.add_listener("news", lambda *event: heard.set_result(event[3]))
            other = await asyncpg.connect(timeout=60)
            await other.execute("notify news, 'here'")
            await other.close()
            return await asyncio.wait_for(heard, 20)

        return run(exchange()) == "here"

    def large():
        return len(run(session.fetchval("select repeat('x', $1)", LARGE))) == LARGE

    return [encryption, prepared, copy, cancel, notify, large]


def main():
    steps = {"psycopg2": psycopg2_steps, "psycopg": psycopg_steps, "asyncpg": asyncpg_steps}
    for step in steps[sys.argv[1]]():
        attempt(step.__name__, step)


main()

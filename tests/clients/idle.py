"""A session of libpq that does nothing, and watches its connection as an application's event loop does: prints
"open", and then what it is told when the session ends, or "nothing" after a minute. $1: a connection string."""
import ctypes
import select
import sys

libpq = ctypes.CDLL("libpq.so.5")
libpq.PQconnectdb.restype = ctypes.c_void_p
libpq.PQerrorMessage.restype = ctypes.c_char_p
for function in (libpq.PQstatus, libpq.PQsocket, libpq.PQconsumeInput, libpq.PQisBusy, libpq.PQerrorMessage):
    function.argtypes = [ctypes.c_void_p]

session = libpq.PQconnectdb(sys.argv[1].encode())
if libpq.PQstatus(session) != 0:
    sys.exit(libpq.PQerrorMessage(session).decode())
print("open", flush=True)
while select.select([libpq.PQsocket(session)], [], [], 60)[0]:
    if not libpq.PQconsumeInput(session):
        print(libpq.PQerrorMessage(session).decode().strip() or "closed")
        sys.exit()
    libpq.PQisBusy(session)  # reads what has come, and prints notices
print("nothing")

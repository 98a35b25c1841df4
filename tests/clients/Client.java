// Drives the JDBC driver through what an application does: one line "ok WHAT" or "not ok WHAT: WHY" each.
// The connection comes from PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, PGSSLMODE.
import java.io.StringReader;
import java.io.StringWriter;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;
import java.util.concurrent.Callable;
import javax.net.ssl.SSLSocket;
import org.postgresql.PGConnection;
import org.postgresql.core.PGStream;
import org.postgresql.jdbc.PgConnection;

public class Client {
  static final int LARGE = 64 * 1024 * 1024;
  static final String COPIED = "1\tone\n2\ttwo\n3\t\\N\n";

  static String env(String name) {
    return System.getenv(name);
  }

  static Connection connect() throws SQLException {
    Properties properties = new Properties();
    properties.setProperty("user", env("PGUSER"));
    properties.setProperty("password", env("PGPASSWORD"));
    properties.setProperty("sslmode", env("PGSSLMODE"));
    return DriverManager.getConnection(
        "jdbc:postgresql://" + env("PGHOST") + ":" + env("PGPORT") + "/" + env("PGDATABASE").replace("@", "%40"), properties);
  }

  static void attempt(String what, Callable<Boolean> step) {
    try {
      System.out.println(step.call() ? "ok " + what : "not ok " + what + ": another result");
    } catch (Exception error) {
      System.out.println("not ok " + what + ": " + error.toString().replace('\n', ' '));
    }
  }

  static String one(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(sql)) {
      rows.next();
      return rows.getString(1);
    }
  }

  /* The driver keeps its socket to itself; the server's view would be that of the proxy's own connection. */
  static boolean encrypted(Connection connection) throws Exception {
    Object executor = connection.unwrap(PgConnection.class).getQueryExecutor();
    Class<?> type = executor.getClass();
    while (!type.getSimpleName().equals("QueryExecutorBase")) type = type.getSuperclass();
    var field = type.getDeclaredField("pgStream");
    field.setAccessible(true);
    boolean tls = ((PGStream) field.get(executor)).getSocket() instanceof SSLSocket;
    return tls == !env("PGSSLMODE").equals("disable");
  }

  static boolean prepared(Connection connection) throws SQLException {
    try (PreparedStatement plan = connection.prepareStatement("select ? * 2")) {
      for (int n = 0; n < 12; n++) { // from the fifth on a named one of the server
        plan.setInt(1, n);
        ResultSet rows = plan.executeQuery();
        rows.next();
        if (rows.getInt(1) != 2 * n) return false;
      }
      return true;
    }
  }

  static boolean batch(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("create temp table batched (n int)");
    }
    try (PreparedStatement insert = connection.prepareStatement("insert into batched values (?)")) {
      for (int n = 0; n < 500; n++) {
        insert.setInt(1, n);
        insert.addBatch();
      }
      insert.executeBatch();
    }
    return one(connection, "select count(*) from batched").equals("500");
  }

  static boolean copy(Connection connection) throws Exception {
    try (Statement statement = connection.createStatement()) {
      statement.execute("create temp table copied (id int, name text)");
    }
    var api = connection.unwrap(PGConnection.class).getCopyAPI();
    api.copyIn("copy copied from stdin", new StringReader(COPIED));
    StringWriter out = new StringWriter();
    api.copyOut("copy (select * from copied order by id) to stdout", out);
    return out.toString().equals(COPIED);
  }

  static boolean cancel(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.setQueryTimeout(1);
      statement.execute("select pg_sleep(30)");
      return false;
    } catch (SQLException error) {
      return error.getSQLState().equals("57014");
    }
  }

  static boolean notification(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("listen news");
    }
    try (Connection other = connect(); Statement statement = other.createStatement()) {
      statement.execute("notify news, 'here'");
    }
    var notes = connection.unwrap(PGConnection.class).getNotifications(20000);
    return notes.length == 1 && notes[0].getParameter().equals("here");
  }

  public static void main(String[] arguments) throws Exception {
    try (Connection connection = connect()) {
      attempt("encryption", () -> encrypted(connection));
      attempt("prepared", () -> prepared(connection));
      attempt("batch", () -> batch(connection));
      attempt("copy", () -> copy(connection));
      attempt("cancel", () -> cancel(connection));
      attempt("notify", () -> notification(connection));
      attempt("large", () -> one(connection, "select repeat('x', " + LARGE + ")").length() == LARGE);
    }
  }
}

import java.sql.*;
import java.util.*;

class Jdbc {
    public static void main(String[] arguments) throws SQLException {
        // For PgBouncer before 1.21, in transaction mode, the URL ends in &prepareThreshold=0.
        try (var db = DriverManager.getConnection(System.getenv("JDBC_URL"))) {
            // Attach a table, and say what its jsonb column holds.
            query(db, "SELECT attach_audience('customers', 'customers', properties_column => 'attributes', created_column => 'signed_up')");
            query(db, "SELECT create_property(?, ?, 'customers')", "seats", "number");
            query(db, "SELECT create_property(?, ?, 'customers')", "note", "string");

            // Conditions are parameters like any other: setString takes their JSON text.
            var create = "SELECT id, name, contact_count FROM create_segment(?, ?, audience => 'customers')";
            query(db, create, "Paying", "{\"mrr\": {\"$gt\": 0}}");
            var large = query(db, create, "Large", "{\"seats\": {\"$gte\": 30}}").get(0);
            var id = (UUID) large.get("id");
            System.out.printf("%s has %d customers%n", large.get("name"), large.get("contact_count"));
            for (var segment : query(db, "SELECT * FROM list_segments('customers', page_size => ?)", 1)) {
                System.out.printf("It is in the list: %s (%d)%n", segment.get("name"), segment.get("contact_count"));
            }

            // Search. In a parameter, ?, % and : mean themselves.
            var search = "SELECT contact ->> 'company' AS company, contact ->> 'cursor' AS cursor"
                + " FROM search_contacts(?, 'customers', page_size => ?, after => ?) contact";
            var found = query(db, search, "{\"note\": {\"$contains\": \"50% off? :yes $1\"}}", 20, null);
            System.out.println("Search finds " + companies(found));

            // Page: each page goes on after the last contact's cursor.
            Object after = null;
            for (;;) {
                var page = query(db, search, "{\"customer_no\": {\"$gte\": 1}}", 2, after);
                if (page.isEmpty()) break;
                System.out.println("Page: " + companies(page));
                after = page.get(page.size() - 1).get("cursor");
            }

            // The operator, in a query of one's own.
            var few = "SELECT company FROM customers WHERE attributes @~ ? ORDER BY customer_no DESC";
            System.out.println("The operator finds " + companies(query(db, few, "{\"seats\": {\"$lt\": 100}}")));

            // Update, explain, and join the members.
            var update = "SELECT name, contact_count FROM update_segment(?, ?)";
            var updated = query(db, update, id, "{\"conditions\": {\"seats\": {\"$gte\": 100}}}").get(0);
            System.out.printf("Now %d customer is %s%n", updated.get("contact_count"), updated.get("name"));
            for (var part : query(db, "SELECT * FROM explain_match(?, ?) WHERE path <> ''", 1, id)) {
                System.out.printf("Customer 1: %s is %s, %s%n", part.get("path"), part.get("value"), part.get("matches"));
            }
            var members = "SELECT company FROM customers JOIN segment_members(?, NULL::bigint) member ON member = customer_no";
            System.out.println("Members: " + companies(query(db, members, id)));
            var isMember = query(db, "SELECT in_segment(?, ?)", 4L, id).get(0).get("in_segment");
            System.out.println("Is customer 4 a member? " + isMember);
            var older = query(db, "SELECT * FROM list_segments(after => ?)", id.toString());
            System.out.println("Older than Large: " + older.size() + " segment");

            // What customers did: the rows of another table, as an array.
            query(db, "SELECT attach_relation('orders', 'orders', 'customer_no', 'customers', time_column => 'placed_at')");
            var repeated = "{\"orders\": {\"$filter\": {\"placed_at\": {\"$gte\": \"2024-05-01\"}}, \"$count\": {\"$gte\": 2}}}";
            var regulars = query(db, create, "Regulars", repeated).get(0);
            System.out.println("Ordered twice since May: " + companies(query(db, members, regulars.get("id"))));

            // What is wrong with a condition: SQLSTATE, message, where (detail) and what to do (hint).
            try {
                query(db, create, "Oops", "{\"seets\": 1}");
            } catch (org.postgresql.util.PSQLException error) {
                System.out.println(error.getSQLState() + ": " + error.getServerErrorMessage().getMessage());
            }

            query(db, "SELECT grant_segments_access('analyst', 'read:segments', 'customers')");
            System.out.println("The analyst may read segments");
        }
    }

    static List<Map<String, Object>> query(Connection db, String sql, Object... parameters) throws SQLException {
        try (var statement = db.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) statement.setObject(i + 1, parameters[i]);
            var rows = new ArrayList<Map<String, Object>>();
            var results = statement.executeQuery();
            while (results.next()) {
                var row = new HashMap<String, Object>();
                for (int i = 1; i <= results.getMetaData().getColumnCount(); i++) {
                    row.put(results.getMetaData().getColumnLabel(i), results.getObject(i));
                }
                rows.add(row);
            }
            return rows;
        }
    }

    static String companies(List<Map<String, Object>> rows) {
        return String.join(", ", rows.stream().map(row -> (String) row.get("company")).toList());
    }
}

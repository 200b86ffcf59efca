import json
import os
from urllib.parse import urlparse

import django
from django.conf import settings
from django.db import DatabaseError, connection, models, transaction
from django.db.models.expressions import RawSQL

url = urlparse(os.environ["DATABASE_URL"])
database = {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": url.path[1:],
    "USER": url.username,
    "PASSWORD": url.password,
    "HOST": url.hostname,
    "PORT": url.port,
    "DISABLE_SERVER_SIDE_CURSORS": True,  # for PgBouncer in transaction mode
}
settings.configure(DATABASES={"default": database}, USE_TZ=True)
django.setup()


class Customer(models.Model):
    customer_no = models.BigIntegerField(primary_key=True)
    company = models.TextField(null=True)
    attributes = models.JSONField(null=True)

    class Meta:
        app_label = "example"
        managed = False
        db_table = "customers"


class SegmentManager(models.Manager):
    def create_segment(self, name: str, conditions: dict, audience: str = "customers") -> "Segment":
        return self.raw("SELECT * FROM create_segment(%s, %s, audience => %s)", [name, json.dumps(conditions), audience])[0]


class Segment(models.Model):
    """A view: it is read like a table, and written by functions."""

    id = models.UUIDField(primary_key=True)
    name = models.TextField()
    conditions = models.JSONField()
    contact_count = models.BigIntegerField(null=True)
    objects = SegmentManager()

    class Meta:
        app_label = "example"
        managed = False
        db_table = 'segments"."segment'

    def update(self, **changes) -> "Segment":
        return Segment.objects.raw("SELECT * FROM update_segment(%s, %s)", [self.id, json.dumps(changes)])[0]

    def members(self):
        return Customer.objects.filter(pk__in=RawSQL("SELECT segment_members(%s, NULL::bigint)", [self.id]))


@models.JSONField.register_lookup
class Matches(models.Lookup):
    """The operator, as the lookup `attributes__matches`."""

    lookup_name = "matches"

    def get_prep_lookup(self):
        return json.dumps(self.rhs)

    def get_db_prep_lookup(self, value, connection):
        return "%s", [value]

    def as_sql(self, compiler, connection):
        left, left_parameters = self.process_lhs(compiler, connection)
        right, right_parameters = self.process_rhs(compiler, connection)
        return f"{left} @~ {right}", [*left_parameters, *right_parameters]


def call(sql: str, *parameters) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def search(conditions: dict, page_size: int = 20, after: str | None = None) -> list[dict]:
    sql = "SELECT contact FROM search_contacts(%s, 'customers', %s, %s) contact"
    return [json.loads(contact) for (contact,) in call(sql, json.dumps(conditions), page_size, after)]


# Attach a table, and say what its jsonb column holds: in an application, a migration's RunSQL.
call("SELECT attach_audience('customers', 'customers', properties_column => 'attributes', created_column => 'signed_up')")
for name, type in {"seats": "number", "note": "string"}.items():
    call("SELECT create_property(%s, %s, 'customers')", name, type)

Segment.objects.create_segment("Paying", {"mrr": {"$gt": 0}})
large = Segment.objects.create_segment("Large", {"seats": {"$gte": 30}})
print(f"{large.name} has {large.contact_count} customers")
for segment in Segment.objects.order_by("-id")[:1]:
    print(f"It is in the list: {segment.name} ({segment.contact_count})")

# Search. In a parameter, %, ? and : mean themselves.
print("Search finds", search({"note": {"$contains": "50% off? :yes $1"}})[0]["company"])

# Page: each page goes on after the last contact's cursor.
after = None
while page := search({"customer_no": {"$gte": 1}}, 2, after):
    print("Page:", ", ".join(contact["company"] for contact in page))
    after = page[-1]["cursor"]

few_seats = Customer.objects.filter(attributes__matches={"seats": {"$lt": 100}}).order_by("-customer_no")
print("The operator finds", ", ".join(customer.company for customer in few_seats))

# Update, explain, and ask for members.
large = large.update(conditions={"seats": {"$gte": 100}})
print(f"Now {large.contact_count} customer is {large.name}")
for path, value, matches in call("SELECT path, value, matches FROM explain_match(%s, %s) WHERE path <> ''", 1, large.id):
    print(f"Customer 1: {path} is {value}, {str(matches).lower()}")
print("Members:", ", ".join(customer.company for customer in large.members()))
[(is_member,)] = call("SELECT in_segment(%s, %s)", 4, large.id)
print("Is customer 4 a member?", str(is_member).lower())
older = Segment.objects.raw("SELECT * FROM list_segments(after => %s)", [str(large.id)])
print("Older than Large:", len(older), "segment")

# What customers did: the rows of another table, as an array.
call("SELECT attach_relation('orders', 'orders', 'customer_no', 'customers', time_column => 'placed_at')")
repeated = {"orders": {"$filter": {"placed_at": {"$gte": "2024-05-01"}}, "$count": {"$gte": 2}}}
regulars = Segment.objects.create_segment("Regulars", repeated)
print("Ordered twice since May:", ", ".join(customer.company for customer in regulars.members()))

# What is wrong with a condition: SQLSTATE, message, where (detail) and what to do (hint).
try:
    with transaction.atomic():
        Segment.objects.create_segment("Oops", {"seets": 1})
except DatabaseError as error:
    print(f"{error.__cause__.sqlstate}: {error.__cause__.diag.message_primary}")

call("SELECT grant_segments_access('analyst', 'read:segments', 'customers')")
print("The analyst may read segments")

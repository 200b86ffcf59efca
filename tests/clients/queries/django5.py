import os
from urllib.parse import urlparse

import django
from django.conf import settings
from django.db import connection, models
from django.db.models.expressions import RawSQL

url = urlparse(os.environ["DATABASE_URL"])
database = {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": url.path[1:],
    "USER": url.username,
    "PASSWORD": url.password,
    "HOST": url.hostname,
    "PORT": url.port,
}
settings.configure(DATABASES={"default": database}, INSTALLED_APPS=[__name__])
django.setup()


class Customer(models.Model):
    company = models.TextField()

    class Meta:
        db_table = "customers"


class Order(models.Model):
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="orders", db_column="customer")
    amount = models.IntegerField()

    class Meta:
        db_table = "orders"


class InSegment(models.Func):
    function = "in_segment"
    output_field = models.BooleanField()


def show(way, query):
    print(f"{way}: {len(query)} orders", *query.explain(costs=False).splitlines(), sep="\n  ")


# The planner puts the segment's condition in the place of the call. Begin with the audience's model: InSegment("customer_id", …)
# on orders stays a call for each order.
members = Customer.objects.filter(InSegment("id", models.Value("Large")))
show("in_segment", members.filter(orders__amount__gte=498).values_list("company", "orders__amount"))

# The planner puts a query on the audience's table, which this one does not name, in the place of the call.
big = Order.objects.filter(amount__gte=498)
members = RawSQL("SELECT member FROM segment_members(%s, NULL::bigint) member", ["Large"])
show("segment_members", big.filter(customer__in=members))

# The condition as text. Django wants each % in it doubled.
with connection.cursor() as cursor:
    cursor.execute("SELECT segment_sql(%s)", ["Odd"])
    condition = cursor.fetchone()[0].replace("%", "%%")
show("segment_sql", big.filter(customer__in=RawSQL(f"SELECT id FROM customers WHERE {condition}", [])))

import os
import uuid

from sqlalchemy import BigInteger, Text, bindparam, cast, create_engine, func, null, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customers"
    customer_no: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    company: Mapped[str | None] = mapped_column(Text)
    attributes: Mapped[dict | None] = mapped_column(JSONB)


class Segment(Base):
    """A view: it is read like a table, and written by functions."""

    __tablename__ = "segment"
    __table_args__ = {"schema": "segments"}
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    conditions: Mapped[dict] = mapped_column(JSONB)
    contact_count: Mapped[int | None] = mapped_column(BigInteger)

    @classmethod
    def create(cls, session: Session, name: str, conditions: dict) -> "Segment":
        call = text("SELECT * FROM create_segment(:name, :conditions, audience => 'customers')")
        call = call.bindparams(bindparam("conditions", conditions, JSONB), name=name)
        return session.scalars(select(cls).from_statement(call)).one()

    def update(self, session: Session, **changes) -> None:
        session.execute(select(func.update_segment(self.id, cast(changes, JSONB))))
        session.refresh(self)


def search(conditions: dict, page_size: int = 20, after: str | None = None):
    call = func.search_contacts(cast(conditions, JSONB), "customers", page_size, after)
    return select(call.column_valued("contact", joins_implicitly=True).cast(JSONB))


# PgBouncer before 1.21, in transaction mode, knows no prepared statements.
threshold = None if "PGBOUNCER" in os.environ else 1
url = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://")
with Session(create_engine(url, connect_args={"prepare_threshold": threshold})) as session:
    # Attach a table, and say what its jsonb column holds.
    attach = "SELECT attach_audience('customers', :table, properties_column => 'attributes', created_column => 'signed_up')"
    session.execute(text(attach), {"table": Customer.__tablename__})
    for name, type in {"seats": "number", "note": "string"}.items():
        session.execute(select(func.create_property(name, type, "customers")))

    Segment.create(session, "Paying", {"mrr": {"$gt": 0}})
    large = Segment.create(session, "Large", {"seats": {"$gte": 30}})
    print(f"{large.name} has {large.contact_count} customers")
    for segment in session.scalars(select(Segment).order_by(Segment.id.desc()).limit(1)):
        print(f"It is in the list: {segment.name} ({segment.contact_count})")

    # Search. In a parameter, %, ? and : mean themselves.
    print("Search finds", session.scalar(search({"note": {"$contains": "50% off? :yes $1"}}))["company"])

    # Page: each page goes on after the last contact's cursor.
    after = None
    while page := session.scalars(search({"customer_no": {"$gte": 1}}, 2, after)).all():
        print("Page:", ", ".join(contact["company"] for contact in page))
        after = page[-1]["cursor"]

    # The operator, in a query of one's own.
    few_seats = Customer.attributes.op("@~", is_comparison=True)({"seats": {"$lt": 100}})
    rows = session.scalars(select(Customer).where(few_seats).order_by(Customer.customer_no.desc()))
    print("The operator finds", ", ".join(customer.company for customer in rows))

    # Update, explain, and join the members.
    large.update(session, conditions={"seats": {"$gte": 100}})
    print(f"Now {large.contact_count} customer is {large.name}")
    explained = text("SELECT * FROM explain_match(:contact, :segment) WHERE path <> ''").bindparams(contact=1, segment=large.id)
    for part in session.execute(explained):
        print(f"Customer 1: {part.path} is {part.value}, {str(part.matches).lower()}")
    members = select(func.segment_members(large.id, cast(null(), BigInteger)))
    rows = session.scalars(select(Customer).where(Customer.customer_no.in_(members)))
    print("Members:", ", ".join(customer.company for customer in rows))
    is_member = session.scalar(select(func.in_segment(4, large.id)))
    print("Is customer 4 a member?", str(is_member).lower())
    older = session.execute(text("SELECT * FROM list_segments(after => :id)").bindparams(id=large.id)).all()
    print("Older than Large:", len(older), "segment")

    # What customers did: the rows of another table, as an array.
    session.execute(text("SELECT attach_relation('orders', 'orders', 'customer_no', 'customers', time_column => 'placed_at')"))
    repeated = {"orders": {"$filter": {"placed_at": {"$gte": "2024-05-01"}}, "$count": {"$gte": 2}}}
    regulars = Segment.create(session, "Regulars", repeated)
    rows = session.scalars(select(Customer).where(func.in_segment(Customer.customer_no, regulars.id)))
    print("Ordered twice since May:", ", ".join(customer.company for customer in rows))

    # What is wrong with a condition: SQLSTATE, message, where (detail) and what to do (hint).
    try:
        with session.begin_nested():
            Segment.create(session, "Oops", {"seets": 1})
    except DBAPIError as error:
        print(f"{error.orig.sqlstate}: {error.orig.diag.message_primary}")

    session.execute(select(func.grant_segments_access("analyst", "read:segments", "customers")))
    print("The analyst may read segments")
    session.commit()

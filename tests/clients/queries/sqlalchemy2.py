import os

from sqlalchemy import BigInteger, ForeignKey, cast, create_engine, func, literal_column, null, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    company: Mapped[str]


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    customer: Mapped[int] = mapped_column(ForeignKey(Customer.id))
    amount: Mapped[int]


def show(way, query):
    compiled = query.compile(engine)
    plan = session.connection().exec_driver_sql(f"EXPLAIN (COSTS off) {compiled}", compiled.params).scalars()
    print(f"{way}: {len(session.execute(query).all())} orders", *plan, sep="\n  ")


engine = create_engine(os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://"))
with Session(engine) as session:
    # The planner puts the segment's condition in the place of the call.
    query = select(Customer.company, Order.amount).join(Order, Order.customer == Customer.id)
    show("in_segment", query.where(func.in_segment(Customer.id, "Large"), Order.amount >= 498))

    # The planner puts a query on the audience's table, which this one does not name, in the place of the call.
    big = select(Order.amount).where(Order.amount >= 498)
    members = func.segment_members("Large", cast(null(), BigInteger)).column_valued("member")
    show("segment_members", big.where(Order.customer.in_(select(members))))

    # The condition as text. Unlike text(), literal_column() takes nothing in it for a parameter.
    condition = session.scalar(select(func.segment_sql("Odd")))
    customers = select(Customer.id).where(literal_column(condition))
    show("segment_sql", big.where(Order.customer.in_(customers)))

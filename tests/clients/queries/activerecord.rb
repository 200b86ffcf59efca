require "active_record"

ActiveRecord::Base.establish_connection(ENV["DATABASE_URL"])

class Customer < ActiveRecord::Base
  has_many :orders, foreign_key: :customer
  scope :in_segment, ->(segment) { where("in_segment(customers.id, ?)", segment) }
end

class Order < ActiveRecord::Base
  scope :of_members, ->(segment) { where("customer IN (SELECT member FROM segment_members(?, NULL::bigint) member)", segment) }
end

def show(way, query)
  plan = query.connection.select_values("EXPLAIN (COSTS off) #{query.to_sql}")
  puts ["#{way}: #{query.to_a.size} orders", *plan].join("\n  ")
end

# The planner puts the segment's condition in the place of the call.
big = Order.where("amount >= 498")
show "in_segment", Customer.in_segment("Large").joins(:orders).merge(big).select("company, amount")

# The planner puts a query on the audience's table, which this one does not name, in the place of the call.
show "segment_members", big.of_members("Large")

# The condition as text. Without values beside it, where() takes nothing in it for a parameter.
condition = Customer.connection.select_value(Customer.sanitize_sql(["SELECT segment_sql(?)", "Odd"]))
show "segment_sql", big.where(customer: Customer.where(condition).select(:id))

require "active_record"
require "json"

# For PgBouncer before 1.21, in transaction mode, the URL ends in ?prepared_statements=false.
ActiveRecord::Base.establish_connection(ENV["DATABASE_URL"])

class Customer < ActiveRecord::Base
  self.primary_key = "customer_no"
  scope :matching, ->(conditions) { where("attributes @~ ?", conditions.to_json) }
end

# A view: it is read like a table, and written by functions.
class Segment < ActiveRecord::Base
  self.table_name = "segments.segment"
  self.primary_key = "id"

  def self.create_segment(name, conditions, audience: "customers")
    find_by_sql(["SELECT * FROM create_segment(?, ?, audience => ?)", name, conditions.to_json, audience]).first
  end

  def change(changes)
    Segment.find_by_sql(["SELECT * FROM update_segment(?, ?)", id, changes.to_json]).first
  end

  def members
    Customer.where("customer_no IN (SELECT segment_members(?, NULL::bigint))", id)
  end
end

def call(sql, *parameters)
  ActiveRecord::Base.connection.select_all(ActiveRecord::Base.sanitize_sql([sql, *parameters])).to_a
end

def search(conditions, page_size: 20, after: nil)
  call("SELECT contact FROM search_contacts(?, 'customers', ?, ?) contact", conditions.to_json, page_size, after)
    .map { |row| JSON.parse(row["contact"]) }
end

# Attach a table, and say what its jsonb column holds: in an application, a migration's execute.
call("SELECT attach_audience('customers', 'customers', properties_column => 'attributes', created_column => 'signed_up')")
{ seats: "number", note: "string" }.each { |name, type| call("SELECT create_property(?, ?, 'customers')", name, type) }

Segment.create_segment("Paying", { mrr: { "$gt": 0 } })
large = Segment.create_segment("Large", { seats: { "$gte": 30 } })
puts "#{large.name} has #{large.contact_count} customers"
Segment.order(id: :desc).limit(1).each { |segment| puts "It is in the list: #{segment.name} (#{segment.contact_count})" }

# Search. In a parameter, ?, % and : mean themselves.
puts "Search finds #{search({ note: { "$contains": "50% off? :yes $1" } }).first["company"]}"

# Page: each page goes on after the last contact's cursor.
after = nil
until (page = search({ customer_no: { "$gte": 1 } }, page_size: 2, after: after)).empty?
  puts "Page: #{page.map { |contact| contact["company"] }.join(", ")}"
  after = page.last["cursor"]
end

puts "The operator finds #{Customer.matching({ seats: { "$lt": 100 } }).order(customer_no: :desc).pluck(:company).join(", ")}"

# Update, explain, and ask for members.
large = large.change({ conditions: { seats: { "$gte": 100 } } })
puts "Now #{large.contact_count} customer is #{large.name}"
call("SELECT * FROM explain_match(?, ?) WHERE path <> ''", 1, large.id).each do |part|
  puts "Customer 1: #{part["path"]} is #{part["value"]}, #{part["matches"]}"
end
puts "Members: #{large.members.pluck(:company).join(", ")}"
puts "Is customer 4 a member? #{call("SELECT in_segment(?, ?)", 4, large.id).first["in_segment"]}"
puts "Older than Large: #{Segment.find_by_sql(["SELECT * FROM list_segments(after => ?)", large.id]).size} segment"

# What customers did: the rows of another table, as an array.
call("SELECT attach_relation('orders', 'orders', 'customer_no', 'customers', time_column => 'placed_at')")
repeated = { orders: { "$filter": { placed_at: { "$gte": "2024-05-01" } }, "$count": { "$gte": 2 } } }
puts "Ordered twice since May: #{Segment.create_segment("Regulars", repeated).members.pluck(:company).join(", ")}"

# What is wrong with a condition: SQLSTATE, message, where (detail) and what to do (hint).
begin
  Segment.create_segment("Oops", { seets: 1 })
rescue ActiveRecord::StatementInvalid => error
  result = error.cause.result
  puts "#{result.error_field(PG::PG_DIAG_SQLSTATE)}: #{result.error_field(PG::PG_DIAG_MESSAGE_PRIMARY)}"
end

call("SELECT grant_segments_access('analyst', 'read:segments', 'customers')")
puts "The analyst may read segments"

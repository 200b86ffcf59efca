//! Properties: typed fields of contacts.

use crate::api::name::{is_legible, must_be_legible};
use crate::api::sample::Sample;
use crate::catalog::access::{self, Permitted};
use crate::catalog::audience::{Audience, Property};
use crate::catalog::contact_sql::field_sql;
use crate::catalog::segment::{Definition, SCOPES};
use crate::catalog::{freshness, scope, source};
use crate::counting::bases;
use crate::evaluate::condition;
use crate::evaluate::implausible::Implausible;
use crate::live::definition_locks;
use crate::pg::call::Call;
use crate::pg::error::{Failure, listed, required};
use crate::pg::returning;
use pgrx::PgSqlErrorCode;
use pgrx::prelude::*;
use segments_core::check::UNUSABLE;
use segments_core::nearest::did_you_mean;
use segments_core::path::Path;
use segments_core::types::PropertyType;

pub mod related;

/// Declares a property.
#[pg_extern(sql = false)]
fn create_property(name: Option<&str>, r#type: Option<&str>, audience: Option<&str>, label: Option<&str>) {
    let (name, type_name, audience) =
        (required("name", name), required("type", r#type), required("audience", audience));
    let path = check_name(name);
    let name = path.text();
    let property_type = parse_type(type_name);
    access::must_have_audience(audience);
    access::require_write(audience);
    source::must_declare(audience);
    let mut audience = hold(audience, [name].into_iter());
    if let Some(relation) = audience.related(path.first()) {
        return related::create(&audience, relation, &path, property_type, label);
    }
    let column = audience.table.column(path.first()).map(|column| column.kind.property_type());
    match column.filter(|_| path.rest().is_empty()) {
        Some(native) if native != property_type => Failure::new(
            PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
            format!("column \"{name}\" is of type {native}, not {property_type}"),
        )
        .detail("The type of a native property is that of its column.")
        .hint(format!("Declare it as {native}, or choose another name for a custom property."))
        .raise(),
        None if column.is_none() && audience.table.properties.is_none() => Failure::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("audience \"{}\" has no column for custom properties", audience.name),
        )
        .detail(format!("\"{name}\" is not a column of its table either."))
        .hint("Attach the audience with a properties_column, or add a column of that name.")
        .raise(),
        _ => {}
    }
    let broken = with_broken_filters(&audience, &path);
    if let Some(obstacle) = obstacle(&mut audience, name, property_type) {
        obstacle.raise()
    }
    if !declare(&audience, name, property_type, label) {
        already_exists(&audience, name)
    }
    if let Some(implausible) = implausible(&audience.name, &path, property_type) {
        implausible.notice();
    }
    if !broken.is_empty() {
        // A filter may become valid again by this declaration. Changes since it became invalid were not counted.
        bases::forget(broken);
    }
}

fn already_exists(audience: &Audience, name: &str) -> ! {
    Failure::new(
        PgSqlErrorCode::ERRCODE_DUPLICATE_OBJECT,
        format!("property \"{name}\" of audience \"{}\" already exists", audience.name),
    )
    .detail("Names of properties are unique in an audience.")
    .hint("Drop it with drop_property() to declare it with another type.")
    .raise()
}

/// The names of the audience, and of those based on it whose filters name the property, whose filters are invalid.
fn with_broken_filters(audience: &Audience, path: &Path) -> Vec<String> {
    let is_broken = |audience: &&Audience| scope::restriction(audience).is_err();
    let based = source::filtering_by(audience, vec![path.first().to_owned()]);
    [audience].into_iter().chain(&based).filter(is_broken).map(|audience| audience.name.clone()).collect()
}

/// The notice about numbers in a sample of the contacts that are hardly the dates that were meant; `None` if all are.
fn implausible(audience: &str, path: &Path, property_type: PropertyType) -> Option<Failure> {
    property_type.element().filter(|element| element.is_temporal())?;
    let audience = Audience::try_load(audience).ok()?;
    let term = field_sql(&audience, path);
    let sample = Sample::read(&audience, std::slice::from_ref(&term), std::slice::from_ref(path))?;
    let values = sample.values(&term);
    let found = Implausible::among(property_type, values)?;
    let all = values.iter().map(|(_, times)| times).sum();
    let failure = Failure::new(PgSqlErrorCode::ERRCODE_WARNING, found.message(path.text(), all));
    Some(failure.detail(format!("The property is declared as {property_type}.")).hint(found.hint()))
}

/// Locks an audience so that properties with these names can be declared. Its filter may be invalid.
pub fn hold<'n>(audience: &str, mut names: impl Iterator<Item = &'n str>) -> Audience {
    if names.any(|name| !Path::parse(name).rest().is_empty()) {
        // This waits for transactions that create a segment with such a path.
        freshness::hold_definitions(audience);
    }
    definition_locks::hold_writers_of_source(audience)
}

/// Why the property cannot be declared: something that is valid now would change its meaning or become invalid.
pub fn obstacle(audience: &mut Audience, name: &str, property_type: PropertyType) -> Option<Failure> {
    let path = Path::parse(name);
    if audience.property_at(&path).is_some() {
        return None;
    }
    if let Some((column, type_name)) = audience.unusable.iter().find(|(column, _)| column == path.first()) {
        let failure = Failure::new(
            PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
            format!("conditions cannot use column \"{column}\" of type {type_name}"),
        );
        return Some(failure.detail("No property can be declared under the name of a column.").hint(UNUSABLE));
    }
    let around = audience.property_around(&path);
    if let Some(conflict) = below_another(audience, &path, around.as_ref(), property_type) {
        return Some(conflict);
    }
    let walking = match &around {
        Some(_) => Users::find(audience, &path, |used| used.keys().starts_with(path.keys())),
        None => Users::default(),
    };
    if !walking.are_none() {
        let failure = Failure::new(
            PgSqlErrorCode::ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
            format!("segments use \"{name}\" as a path without a type, and would mean something else"),
        );
        let hint = "Change or delete them first: declared, the path is read as its type.";
        return Some(failure.detail(walking.listed()).hint(hint));
    }
    let changed = changed_filter(audience, &path, |custom| custom.push((name.to_owned(), property_type)))?;
    Some(changed.hint("Declare it with the type that the filter reads it as, or choose another name for the property."))
}

/// The error for two properties of which one would lie inside the other, which has no fields.
fn below_another(
    audience: &Audience,
    path: &Path,
    around: Option<&(Path, PropertyType)>,
    property_type: PropertyType,
) -> Option<Failure> {
    let is_inside = |name: &Path| name.keys().len() > path.keys().len() && name.keys().starts_with(path.keys());
    let inside = || audience.custom.iter().find(|(name, _)| is_inside(&Path::parse(name)));
    let (outer, outer_type, inner) = match around {
        Some((outer, outer_type)) if *outer_type != PropertyType::Json => (outer.text(), *outer_type, path.text()),
        _ if property_type != PropertyType::Json => (path.text(), property_type, inside()?.0.as_str()),
        _ => return None,
    };
    let failure = Failure::new(
        PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
        format!("property \"{outer}\" of type {outer_type} has no fields, and \"{inner}\" would be one"),
    );
    let hint = format!("A key that contains a dot is written with a backslash: {}.", escaped(inner));
    Some(failure.detail("A name with a dot is a path.").hint(hint))
}

/// The name of the property whose only key is the text of a path.
fn escaped(path: &str) -> String {
    path.replace('.', "\\.")
}

/// The segments that use a property, of the audience that declares it and of those that are based on it.
#[derive(Default)]
pub struct Users {
    /// The names of those that the caller may see
    names: Vec<String>,
    /// How many others there are
    others: usize,
}

impl Users {
    /// The segments that use a field for which `is_such` is true. All such fields begin like `path`.
    pub fn find(audience: &Audience, path: &Path, is_such: impl Fn(&Path) -> bool) -> Self {
        let uses = |segment: &Definition| condition::stored(segment.conditions.as_bytes()).paths().iter().any(&is_such);
        let mut using = Definition::naming(&audience.name, &[path.first()]);
        using.retain(uses);
        Self::among(using)
    }

    fn among(using: Vec<Definition>) -> Self {
        if using.is_empty() {
            return Users::default();
        }
        let permitted = Permitted::of_caller(&SCOPES);
        let (seen, others): (Vec<_>, Vec<_>) = using.into_iter().partition(|user| permitted.includes(&user.audience));
        Users { names: seen.into_iter().map(|segment| segment.name).collect(), others: others.len() }
    }

    pub fn are_none(&self) -> bool {
        self.names.is_empty() && self.others == 0
    }

    pub fn listed(&self) -> String {
        match (self.names.is_empty(), self.others) {
            (_, 0) => format!("They are {}.", listed(&self.names)),
            (true, others) => format!("They are {others} of audiences that you do not see."),
            (false, others) => {
                format!("They are {}, and {others} of audiences that you do not see.", listed(&self.names))
            }
        }
    }
}

/// The error for a change of custom properties that changes the filter of the audience, or of one that is based on it; `None`
/// if it changes none.
fn changed_filter(
    audience: &mut Audience,
    path: &Path,
    change: impl Fn(&mut Vec<(String, PropertyType)>),
) -> Option<Failure> {
    if changes_scope(audience, &change) {
        return Some(used_by_scope(path.text(), audience));
    }
    let mut based = source::filtering_by(audience, vec![path.first().to_owned()]);
    based.iter_mut().find_map(|based| changes_scope(based, &change).then(|| used_by_scope(path.text(), based)))
}

/// Whether the audience's filter is valid now, and would change its meaning or become invalid with other custom
/// properties.
fn changes_scope(audience: &mut Audience, change: impl FnOnce(&mut Vec<(String, PropertyType)>)) -> bool {
    let meaning = |audience: &Audience| scope::restriction(audience).ok().map(|restriction| restriction.checked);
    let before = meaning(audience);
    let custom = audience.custom.clone();
    change(&mut audience.custom);
    let after = meaning(audience);
    audience.custom = custom;
    before.is_some() && before != after
}

fn used_by_scope(name: &str, audience: &Audience) -> Failure {
    if !access::has_audience(&audience.name) {
        return Failure::new(
            PgSqlErrorCode::ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
            format!("\"{name}\" is in use by the filter of an audience that is based on \"{}\"", audience.source),
        )
        .detail("You have no scope for that audience.");
    }
    Failure::new(
        PgSqlErrorCode::ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
        format!("\"{name}\" is in use by the filter of audience \"{}\"", audience.name),
    )
    .detail(format!("The filter is {}.", audience.filter.as_deref().unwrap_or("{}")))
}

/// Stores a declaration. The caller holds the audience's writers. Returns false if the name is declared already.
pub fn declare(audience: &Audience, name: &str, property_type: PropertyType, label: Option<&str>) -> bool {
    let added = access::write(
        "INSERT INTO segments.property_config (audience, name, type, label) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        &[
            audience.name.as_str().into(),
            name.into(),
            property_type.to_string().into(),
            label.map(str::to_owned).into(),
        ],
    );
    added > 0
}

/// Deletes the declaration of a property.
#[pg_extern(sql = false)]
fn drop_property(name: Option<&str>, audience: Option<&str>) {
    let (name, audience) = (required("name", name), required("audience", audience));
    let mut audience = Audience::unrestricted(audience).unwrap_or_else(|failure| failure.raise());
    access::require_write(&audience.name);
    source::must_declare(&audience.name);
    // This waits for transactions that create a segment with the property.
    freshness::hold_definitions(&audience.name);
    let path = canonical(name);
    let name = path.text();
    match audience.related(path.first()) {
        Some(relation) => related::must_be_unused(&audience, relation, &path),
        None => must_be_unused(&mut audience, &path),
    }
    let dropped = access::write(
        "DELETE FROM segments.property_config p WHERE p.audience = $1 AND p.name = $2",
        &[audience.name.as_str().into(), name.into()],
    );
    if dropped == 0 {
        let declared: Vec<Property> =
            audience.properties().into_iter().filter(|property| !property.is_native).collect();
        let meant = did_you_mean(name, declared.iter().map(|property| &property.name));
        Failure::new(PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN, format!("property \"{name}\" was not declared"))
            .detail(format!("The audience is \"{}\".", audience.name))
            .hint(meant.unwrap_or_else(|| "segments.property lists those that are.".to_owned()))
            .raise()
    }
}

/// Raises 2BP01 if segments or filters use a declared property.
fn must_be_unused(audience: &mut Audience, path: &Path) {
    let name = path.text();
    // A field inside another declared property does not use this one.
    let is_of_it = |used: &Path| audience.property_around(used).is_some_and(|(around, _)| around.keys() == path.keys());
    let users = Users::find(audience, path, is_of_it);
    let is_column = path.rest().is_empty() && audience.table.column(path.first()).is_some();
    if !users.are_none() && !is_column {
        Failure::new(
            PgSqlErrorCode::ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
            format!("property \"{name}\" is in use by segments"),
        )
        .detail(users.listed())
        .hint("Change or delete them first.")
        .raise()
    }
    if let Some(used) = changed_filter(audience, path, |custom| custom.retain(|(property, _)| property != name)) {
        used.hint("To drop it, detach the audience first.").raise()
    }
}

/// The properties of an audience, as `segments.property` shows them. None if the table is gone.
#[pg_extern(sql = false)]
fn properties(audience: &str, call: Call) {
    let (mut names, mut types, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
    let found = Audience::try_load(audience);
    let mut source = audience;
    if let Ok(audience) = &found {
        source = &audience.source;
        for property in audience.properties() {
            names.push(property.name);
            types.push(property.property_type.to_string());
            kinds.push(if property.is_native { "native" } else { "custom" }.to_owned());
        }
    }
    returning::rows(
        call,
        "SELECT f.name, f.type, f.kind, p.label, p.created_at
           FROM ROWS FROM (unnest($2), unnest($3), unnest($4))
                WITH ORDINALITY f(name, type, kind, position)
           LEFT JOIN segments.property_config p
             ON p.audience = $1 AND p.name = f.name
          ORDER BY f.position",
        &[source.into(), names.into(), types.into(), kinds.into()],
    );
}

/// The path of a property name, whose text is the canonical spelling.
fn canonical(name: &str) -> Path {
    Path::from_keys(Path::parse(name).keys().to_vec())
}

/// Whether a property of that name can be declared.
pub fn is_possible_name(name: &str) -> bool {
    !name.starts_with('$') && is_legible(name)
}

fn check_name(name: &str) -> Path {
    if name.starts_with('$') {
        Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, "the name of a property cannot start with $")
            .detail("Names that start with $ are operators.")
            .hint(format!("For the key of that name, declare and ask for \\{name}."))
            .raise()
    }
    must_be_legible(name, "the name of a property", "Choose another name.");
    let path = canonical(name);
    if path.keys().iter().any(String::is_empty) {
        Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, format!("the name \"{name}\" has an empty key"))
            .detail("A name with a dot is a path.")
            .hint(format!("For a key that contains a dot write a backslash: {}.", escaped(name)))
            .raise()
    }
    path
}

fn parse_type(name: &str) -> PropertyType {
    PropertyType::parse(name).unwrap_or_else(|| {
        let names: Vec<String> = PropertyType::names().collect();
        let meant = did_you_mean(name, &names);
        Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, format!("unknown property type \"{name}\""))
            .detail(PropertyType::listed())
            .hint(meant.unwrap_or_else(|| "Use one of these.".to_owned()))
            .raise()
    })
}

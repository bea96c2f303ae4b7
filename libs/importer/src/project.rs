//! Converts an old project row to a project.

use std::collections::{BTreeMap, BTreeSet};

use access::teams::{MAX_NEW_TEAM, Member, TeamRole};
use serde_json::{Map, Value, json};
use shared_utils::clock::Timestamp;
use shared_utils::fields::FieldError;
use shared_utils::ids::{ProjectId, UserId};
use shared_utils::number::Digits;
use shared_utils::text::{excerpt, is_blank};

use crate::Settings;
use crate::export::Row;
use crate::number;
use crate::report::{Report, RowReport};
use crate::value::{day, is_nothing, known_moment, moment};
use budgets::Scale;
use projects_router::project::{Changes, PROJECT_FIELDS, ProjectFieldKind, read};
use projects_router::store::{ImportedProject, MAX_BYTES};

/// The title of a project that has none.
const UNTITLED: &str = "Untitled project";
/// The maximum number of entries of a list, and of a folder.
const MAX_ENTRIES: usize = 100;
/// The fields in which a row may give the time of its last change.
const CHANGE_TIMES: [&str; 3] = ["updatedAt", "dateUpdated", "lastModified"];
/// Other names of the old system for the same fields.
const ALIASES: &[(&str, &str)] = &[("finishLine", "finishline"), ("date", "dateCreated"), ("thumbnail", "thumbnails"), ("gallery", "galleries")];
/// The fields that are read elsewhere, or that only the server sets.
const KNOWN: &[&str] = &["projectId", "team", "teamUserIds", "budget", "createdAt", "updatedAt", "dateUpdated", "lastModified"];

/// An old project that was read.
#[derive(Debug)]
pub(crate) struct OldProject {
    /// The project's id in the old system.
    pub(crate) old_id: String,
    /// The time from which ids are derived. It is the same in every import of the same export.
    pub(crate) id_time: Timestamp,
    /// The ball park from the form that created the project, in cents.
    pub(crate) ball_park: Option<i64>,
    /// The project to write.
    pub(crate) project: ImportedProject,
}

/// Reads a row. `None` if the row is not a project.
pub(crate) fn read_project(mut row: Row, settings: &Settings, now: Timestamp, report: &mut Report) -> Option<OldProject> {
    let Some(old_id) = row.get("projectId").and_then(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned) else {
        report.of("Projects ?").refused_row("it has no projectId");
        return None;
    };
    let mut report = report.of(format!("Projects {old_id}"));
    let known = known_moment(&row, "createdAt", &mut report).or_else(|| row.get("dateCreated").and_then(moment));
    let (created_at, id_time) = (known.unwrap_or(now), known.unwrap_or_default());
    if known.is_none() {
        report.changed_so("createdAt", format!("is {created_at}, the time of this import"));
    }
    let changes: Vec<_> = CHANGE_TIMES.iter().filter_map(|name| Some((*name, known_moment(&row, name, &mut report)?))).collect();
    let updated_at = changes.iter().map(|(_, at)| *at).max().unwrap_or(created_at).max(created_at);
    for (name, at) in changes.iter().filter(|(_, at)| *at != updated_at) {
        report.left_out(name, format!("{at} is not the latest"));
    }
    let team = read_team(&row, settings, created_at, &mut report);
    let ball_park = read_ball_park(row.get("budget").unwrap_or(&Value::Null), &mut report);
    for name in KNOWN {
        row.remove(*name);
    }
    for (old, name) in ALIASES {
        if let Some(value) = row.remove(*old).filter(|value| !is_nothing(value)) {
            if row.get(*name).is_none_or(is_nothing) {
                report.changed_so(old, format!("is {name}"));
                row.insert((*name).to_owned(), value);
            } else {
                report.left_out(old, format!("there is a {name}"));
            }
        }
    }
    gather_folders(&mut row, &mut report);
    let mut fields = Changes::new();
    for (name, kind, _) in PROJECT_FIELDS {
        if let Some(value) = read_field(name, *kind, row.remove(*name), &mut report) {
            fields.insert((*name).to_owned(), value);
        }
    }
    for (name, value) in row.iter().filter(|(_, value)| !is_nothing(value)) {
        report.left_out(name, format!("there is no such field here ({} bytes)", value.to_string().len()));
    }
    shrink(&mut fields, &mut report);
    let project =
        ImportedProject { id: ProjectId::derived(id_time, &old_id), owner: settings.owner, team, fields, files: Vec::new(), created_at, updated_at };
    Some(OldProject { old_id, id_time, ball_park, project })
}

/// The ball park from the form that created the project, in cents. The value is `{date, total}`, or the total alone.
fn read_ball_park(budget: &Value, report: &mut RowReport<'_>) -> Option<i64> {
    match budget {
        Value::Object(members) => {
            for (name, value) in members.iter().filter(|(name, value)| *name != "total" && !is_nothing(value)) {
                report.left_out(&format!("budget.{name}"), format!("there is no such field here ({} bytes)", value.to_string().len()));
            }
            number::take(report, "budget.total", members.get("total")?, Scale::Money)
        }
        total => {
            let ball_park = number::take(report, "budget", total, Scale::Money);
            if ball_park.is_some() && total.is_number() {
                report.changed_so("budget", "is the ball park");
            }
            ball_park
        }
    }
}

/// The owner, and the members of the old team who have an account here.
fn read_team(row: &Row, settings: &Settings, joined_at: Timestamp, report: &mut RowReport<'_>) -> BTreeMap<UserId, Member> {
    let member = |role, title| Member { role, title, joined_at };
    let mut team = BTreeMap::from([(settings.owner, member(TeamRole::Owner, None))]);
    let mut seen = BTreeSet::new();
    let mut entries = Vec::new();
    for name in ["team", "teamUserIds"] {
        match row.get(name) {
            Some(Value::Array(named)) => entries.extend(named.iter().map(|entry| (name, entry))),
            Some(value) if !is_nothing(value) => report.refused(name, value, "it is no list"),
            _ => {}
        }
    }
    for (name, entry) in entries {
        let Some(old) = entry.as_str().or_else(|| entry.get("userId")?.as_str()) else {
            report.refused(name, entry, "it names nobody");
            continue;
        };
        if !seen.insert(old.to_owned()) {
            if !entry.is_string() {
                report.left_out(name, format!("{old:?} is named twice"));
            }
            continue;
        }
        let extras =
            entry.as_object().into_iter().flatten().filter(|(member, value)| !["userId", "role"].contains(&member.as_str()) && !is_nothing(value));
        for (member, value) in extras {
            report.left_out(&format!("{name}.{member}"), format!("there is no such field here ({} bytes, of {old:?})", value.to_string().len()));
        }
        let role = entry.get("role").filter(|role| !is_nothing(role));
        let title = role.and_then(Value::as_str).map(|role| excerpt(role, 200).to_owned());
        if let Some(role) = role.filter(|role| role.as_str() != title.as_deref()) {
            report.changed(&format!("{name}.role"), role, &json!(title));
        }
        match settings.people.get(old) {
            None => report.left_out(name, format!("{old:?} is nobody in the list of people")),
            Some(user) if *user == settings.owner => {
                team.insert(*user, member(TeamRole::Owner, title));
            }
            Some(_) if team.len() > MAX_NEW_TEAM => report.left_out(name, format!("{old:?} is one too many")),
            Some(user) => {
                team.insert(*user, member(settings.member_role, title));
            }
        }
    }
    team
}

/// Moves files into `folders`. The old system stored them in top-level arrays, one per folder.
fn gather_folders(row: &mut Row, report: &mut RowReport<'_>) {
    let named = row.get("customFolders").and_then(Value::as_array).into_iter().flatten();
    let mut keys: Vec<String> = named.filter_map(|folder| folder.get("key")?.as_str()).map(str::to_owned).collect();
    keys.extend(["uploads", "downloads"].map(str::to_owned));
    let known = |name: &String| PROJECT_FIELDS.iter().any(|(field, _, _)| field == name);
    let is_file = |entry: &Value| entry.get("url").is_some_and(Value::is_string);
    let looks_like_one = |value: &Value| value.as_array().is_some_and(|entries| !entries.is_empty() && entries.iter().all(is_file));
    keys.extend(row.iter().filter(|(_, value)| looks_like_one(value)).map(|(name, _)| name.clone()));
    let mut folders = match row.remove("folders") {
        Some(Value::Object(folders)) => folders,
        Some(value) if !is_nothing(&value) => {
            report.refused("folders", &value, "it is no object of folders");
            Map::new()
        }
        _ => Map::new(),
    };
    for key in keys {
        if known(&key) || folders.contains_key(&key) {
            continue;
        }
        if let Some(files) = row.remove(&key).filter(|files| !is_nothing(files)) {
            report.changed_so(&key, "is a folder of that name");
            folders.insert(key, files);
        }
    }
    if !folders.is_empty() {
        row.insert("folders".to_owned(), Value::Object(folders));
    }
}

/// Converts a field, or returns `None`. Reports changed and refused values.
fn read_field(name: &str, kind: ProjectFieldKind, value: Option<Value>, report: &mut RowReport<'_>) -> Option<Value> {
    let original = value.unwrap_or(Value::Null);
    if is_nothing(&original) && !matches!(kind, ProjectFieldKind::Title) {
        return None;
    }
    let normal = normalize(name, kind, original.clone(), report);
    match read(kind, normal) {
        Ok(value) if is_nothing(&value) => {
            report.left_out(name, format!("nothing in it has a place here ({} bytes)", original.to_string().len()));
            None
        }
        Ok(value) => {
            if !is_same(&value, &original) {
                report.changed(name, &original, &value);
            }
            Some(value)
        }
        Err(flaws) => {
            report.refused(name, &original, why(flaws));
            None
        }
    }
}

/// Whether two values are equal. Numbers outside arrays are compared by value.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => Digits::of(one) == Digits::of(other),
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len() && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| is_same(value, other)))
        }
        _ => one == other,
    }
}

/// The reasons why a value is not valid, in one line.
fn why(errors: Vec<FieldError>) -> String {
    let one = |error: FieldError| match error.path.segments().iter().rfind(|name| name.parse::<usize>().is_err()) {
        Some(name) => format!("{name}: {}", error.detail),
        None => error.detail.into_owned(),
    };
    errors.into_iter().map(one).collect::<Vec<_>>().join(" ")
}

/// Converts a value to the form that a strict system would have stored.
fn normalize(name: &str, kind: ProjectFieldKind, value: Value, report: &mut RowReport<'_>) -> Value {
    match kind {
        ProjectFieldKind::Title => match as_text(&value) {
            Some(title) if !is_blank(&title) => json!(excerpt(&title, 200)),
            _ => json!(UNTITLED),
        },
        ProjectFieldKind::Text(_) | ProjectFieldKind::Link => as_text(&value).map_or(value, Value::String),
        ProjectFieldKind::Color => match value.as_str().map(str::trim) {
            Some(color) if color.len() == 4 && color.starts_with('#') => {
                json!(format!("#{}", color.chars().skip(1).flat_map(|digit| [digit, digit]).collect::<String>()))
            }
            Some(color) if color.len() == 6 => json!(format!("#{color}")),
            Some(color) => json!(color),
            None => value,
        },
        ProjectFieldKind::Date => day(value),
        ProjectFieldKind::Location => {
            let member = |name: &str| value.get(name).map(|value| as_number(value).unwrap_or_else(|| value.clone()));
            let members = ["lat", "lng", "accuracy"].iter().filter_map(|name| Some(((*name).to_owned(), member(name)?)));
            if value.is_object() { Value::Object(members.collect()) } else { value }
        }
        ProjectFieldKind::Texts | ProjectFieldKind::Links => {
            let entries = if value.is_string() { vec![value] } else { entries(value) };
            kept(kind, name, entries, report, |entry| as_text(entry).map(Value::String))
        }
        ProjectFieldKind::QuickLinks => {
            kept(kind, name, entries(value), report, |entry| members(entry, &[("id", &["id"]), ("title", &["title", "url"]), ("url", &["url"])]))
        }
        ProjectFieldKind::Contact => members(&value, &[("name", &["name"]), ("phone", &["phone"]), ("contact", &["contact"])]).unwrap_or(value),
        ProjectFieldKind::CustomFolders => {
            kept(kind, name, entries(value), report, |entry| members(entry, &[("key", &["key", "name"]), ("name", &["name", "key"])]))
        }
        ProjectFieldKind::Folders => {
            let Value::Object(folders) = value else { return value };
            let folder = |(key, files): (String, Value)| {
                let files =
                    kept(kind, &key, entries(files), report, |file| members(file, &[("fileName", &["fileName", "name", "url"]), ("url", &["url"])]));
                (key, files)
            };
            Value::Object(folders.into_iter().map(folder).collect())
        }
        ProjectFieldKind::Galleries => kept(kind, name, entries(value), report, |entry| {
            members(entry, &[("id", &["id", "galleryId", "name"]), ("name", &["name"]), ("slug", &["slug"]), ("cover", &["cover", "coverImageUrl"])])
        }),
    }
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn as_number(value: &Value) -> Option<Value> {
    value.as_str()?.trim().parse().ok().map(Value::Number)
}

/// The entries of an array. A single value counts as one entry.
fn entries(value: Value) -> Vec<Value> {
    match value {
        Value::Array(entries) => entries,
        Value::Null => Vec::new(),
        value => vec![value],
    }
}

/// Keeps the valid entries, up to a hundred. Reports the others.
fn kept(kind: ProjectFieldKind, name: &str, entries: Vec<Value>, report: &mut RowReport<'_>, make: impl Fn(&Value) -> Option<Value>) -> Value {
    let mut kept = Vec::new();
    for entry in entries {
        let candidate = make(&entry).unwrap_or_else(|| entry.clone());
        let alone = if matches!(kind, ProjectFieldKind::Folders) { json!({"folder": [candidate.clone()]}) } else { json!([candidate.clone()]) };
        match read(kind, alone) {
            Ok(_) if kept.len() == MAX_ENTRIES => report.refused(name, &entry, format!("there are {MAX_ENTRIES} already")),
            Ok(_) => kept.push(candidate),
            Err(flaws) => report.refused(name, &entry, why(flaws)),
        }
    }
    Value::Array(kept)
}

/// An object with these members, each from the first name that has a text. `None` if the value is not an object.
fn members(value: &Value, wanted: &[(&str, &[&str])]) -> Option<Value> {
    let object = value.as_object()?;
    let find = |names: &[&str]| names.iter().find_map(|name| object.get(*name).and_then(as_text).filter(|text| !text.is_empty()));
    let found = wanted.iter().filter_map(|(name, sources)| Some(((*name).to_owned(), json!(find(sources)?))));
    Some(Value::Object(found.collect()))
}

/// Removes the largest fields until the project fits in one item.
fn shrink(fields: &mut Changes, report: &mut RowReport<'_>) {
    let size = |fields: &Changes| fields.iter().map(|(name, value)| name.len() + value.to_string().len()).sum::<usize>();
    // Reserved for the team, whose entries have their own limits.
    let most = MAX_BYTES - (MAX_NEW_TEAM + 1) * 350;
    while size(fields) > most {
        let largest = fields.iter().max_by_key(|(_, value)| value.to_string().len()).map(|(name, _)| name.clone());
        let Some((name, value)) = largest.and_then(|name| Some((name.clone(), fields.remove(&name)?))) else { return };
        report.refused(&name, &value, "the project is larger than 390 KB with it");
    }
}

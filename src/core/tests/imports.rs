//! Imports go down only, in the order that the documentation of each crate gives, and form no circle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn the_core_imports_downwards() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let library = fs::read_to_string(root.join("lib.rs")).unwrap();
    let order = library.split("//! ```text\n").nth(2).and_then(|text| text.split("//! ```").next()).unwrap();
    let floors: Vec<Vec<&str>> =
        order.lines().map(|line| line.trim_start_matches("//! ").split(", ").collect()).collect();
    assert_eq!(wrong_imports(root, &floors), Vec::<String>::new());
}

#[test]
fn the_extension_imports_downwards() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let library = fs::read_to_string(root.join("lib.rs")).unwrap();
    let names = library.lines().filter_map(|line| line.strip_prefix("//! | `")?.split('`').next());
    let floors: Vec<Vec<&str>> = names.map(|name| vec![name]).collect();
    assert_eq!(wrong_imports(root, &floors), Vec::<String>::new());
}

/// The map in docs/design.md has every floor, and names every file of the floors that it lists.
#[test]
fn the_map_has_every_room() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let page = fs::read_to_string(root.parent().unwrap().join("docs/design.md")).unwrap();
    let map = page.split("    src/\n").nth(1).and_then(|rest| rest.split("    sql/").next()).unwrap();
    // A line that begins with a name begins a floor, and the lines that begin with more spaces go on with it.
    let mut floors = BTreeMap::<&str, BTreeSet<&str>>::new();
    let mut floor = "";
    for line in map.lines() {
        let mut words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty());
        if line.starts_with("      ") && !line.starts_with("       ") {
            floor = words.next().unwrap();
        }
        floors.entry(floor).or_default().extend(words);
    }
    let is_missing = |module: &Module| match (module.as_slice(), floors.get(module[0].as_str())) {
        ([_], words) => words.is_none(),
        ([floor, room], Some(words)) => LISTED.contains(&floor.as_str()) && !words.contains(room.as_str()),
        _ => false,
    };
    let missing: Vec<Module> = modules(root, &[]).into_iter().map(|(module, _)| module).filter(is_missing).collect();
    assert_eq!(missing, Vec::<Module>::new());
}

/// The floors whose files the map names one by one.
const LISTED: [&str; 6] = ["api", "worker", "ddl", "counting", "planner", "shared"];

/// The names on the path to a module.
type Module = Vec<String>;

/// Finds imports that do not go to a floor below, and imports that form a circle. A module and the modules inside it
/// may import each other. The modules of one folder, each together with those inside it, may not form a circle.
fn wrong_imports(root: &Path, floors: &[Vec<&str>]) -> Vec<String> {
    let floor = |module: &[String]| floors.iter().position(|names| names.contains(&module[0].as_str()));
    let files: BTreeMap<Module, PathBuf> = modules(root, &[]).into_iter().collect();
    let mut wrong: Vec<String> = files
        .keys()
        .filter(|module| floor(module).is_none())
        .map(|module| format!("{} is on no floor", module.join("/")))
        .collect();
    let mut between_neighbours = BTreeSet::new();
    for (from, file) in &files {
        for path in imports(&fs::read_to_string(file).unwrap(), from) {
            let is_known = |length: &usize| files.contains_key(&path[..*length]);
            let to = &path[..(1..=path.len()).rev().find(is_known).unwrap_or(0)];
            let shared = from.iter().zip(to).take_while(|(from, to)| from == to).count();
            if to.is_empty() || from[0] != to[0] && floor(from) >= floor(to) {
                wrong.push(format!("{} imports {}, which is not below it", from.join("/"), path.join("::")));
            } else if shared < from.len() && shared < to.len() {
                between_neighbours.insert((from[..=shared].to_vec(), to[..=shared].to_vec()));
            }
        }
    }
    wrong.extend(
        circles(between_neighbours).into_iter().map(|(from, to)| {
            format!("{} imports {}, and is imported by it in a circle", from.join("/"), to.join("/"))
        }),
    );
    wrong
}

/// Removes imports from and to modules that are in no circle, until only circles are left.
fn circles(mut imports: BTreeSet<(Module, Module)>) -> BTreeSet<(Module, Module)> {
    loop {
        let (from, to): (BTreeSet<Module>, BTreeSet<Module>) = imports.iter().cloned().unzip();
        let left: BTreeSet<_> =
            imports.iter().filter(|(one, other)| to.contains(one) && from.contains(other)).cloned().collect();
        if left.len() == imports.len() {
            return left;
        }
        imports = left;
    }
}

/// The modules below a folder and their files, without tests and without the core, which is another crate.
fn modules(folder: &Path, parent: &[String]) -> Vec<(Module, PathBuf)> {
    let mut modules = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let module = [parent, std::slice::from_ref(&name)].concat();
        match name.as_str() {
            "tests" | "lib" | "core" => {}
            _ if path.is_dir() => modules.extend(self::modules(&path, &module)),
            _ if path.extension().is_some_and(|extension| extension == "rs") => modules.push((module, path)),
            _ => {}
        }
    }
    modules
}

/// The paths in a file that begin with `crate` or `super`, in `use` or elsewhere.
fn imports(source: &str, module: &Module) -> Vec<Module> {
    let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let code: Vec<&str> = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let parent = &module[..module.len() - 1];
    let mut imports = Vec::new();
    for (start, base) in [("crate::", &[][..]), ("super::", parent)] {
        for (position, _) in code.match_indices(start) {
            let before = code[..position].chars().next_back();
            // `super::super::` is read from the first `super`.
            if before.is_none_or(|before| !before.is_alphanumeric() && before != '_' && before != ':') {
                read_tree(&mut &code[position + start.len()..], base.to_vec(), &mut imports);
            }
        }
    }
    imports
}

/// Reads `a::b` or `a::{b, c::d}`.
fn read_tree(code: &mut &str, mut path: Module, imports: &mut Vec<Module>) {
    loop {
        *code = code.trim_start();
        if let Some(list) = code.strip_prefix('{') {
            *code = list;
            while !code.starts_with('}') {
                read_tree(code, path.clone(), imports);
                *code = code.trim_start().trim_start_matches(',').trim_start();
            }
            *code = &code[1..];
            return;
        }
        let end = code.find(|character: char| !character.is_alphanumeric() && character != '_').unwrap_or(code.len());
        let (name, rest) = code.split_at(end);
        match name {
            "super" => drop(path.pop()),
            "self" => {}
            name => path.push(name.to_owned()),
        }
        *code = rest;
        match code.strip_prefix("::") {
            Some(rest) => *code = rest,
            None => break,
        }
    }
    // Skips `as` and the name after it.
    *code = code.find([',', '}', ';', '\n']).map_or("", |end| &code[end..]);
    imports.push(path);
}

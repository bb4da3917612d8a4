//! The documentation says nothing of files and sections that are not there.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    let mut links = 0;
    for page in Page::all() {
        for link in page.links() {
            links += 1;
            if !page.leads_somewhere(&link) {
                broken.push(format!("{}: {link}", page.path.display()));
            }
        }
    }
    assert!(links > 100, "only {links} links were found");
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}

#[test]
fn files_that_are_named_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = HashSet::new();
    walk(root, &mut |file| {
        files.insert(file.to_owned());
    });
    let names: HashSet<_> = files.iter().filter_map(|file| file.file_name()).collect();
    let (mut missing, mut named) = (Vec::new(), 0);
    // What a changelog names may be gone.
    for page in Page::all()
        .into_iter()
        .filter(|page| !page.path.ends_with("CHANGELOG.md"))
    {
        for code in page.inline_code().filter(|code| is_source(code)) {
            named += 1;
            let found = if code.contains('/') {
                // Of the whole, of the folder that the page is in, or of that folder's `src`.
                let folder = page.folder();
                [root.to_owned(), folder.to_owned(), folder.join("src")]
                    .iter()
                    .any(|start| start.join(code).exists())
                    || files.iter().any(|file| file.ends_with(code))
            } else {
                names.contains(std::ffi::OsStr::new(code))
            };
            if !found {
                missing.push(format!("{}: `{code}`", page.path.display()));
            }
        }
    }
    assert!(named > 100, "only {named} files were named");
    assert!(missing.is_empty(), "not there:\n{}", missing.join("\n"));
}

#[test]
fn the_index_knows_every_page() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let index = Page::read(docs.join("README.md"));
    let known: HashSet<_> = index.links().collect();
    for page in Page::all() {
        let name = page.path.file_name().unwrap().to_str().unwrap();
        let is_indexed = page.folder() == docs && name != "README.md";
        assert!(
            !is_indexed || known.contains(name),
            "docs/README.md lacks {name}"
        );
    }
}

#[test]
fn the_readme_shows_the_examples_as_they_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    for example in ["server", "client"] {
        let path = format!("crates/dtls-session/examples/{example}.rs");
        let program = fs::read_to_string(root.join(&path)).unwrap();
        let block = format!("```rust,no_run\n{program}```");
        assert!(readme.contains(&block), "README.md shows another {path}");
    }
    let lines = readme.lines().count();
    assert!(
        lines <= 160,
        "README.md has {lines} lines, and 160 are enough"
    );
}

/// A Markdown file, without its code blocks.
struct Page {
    path: PathBuf,
    lines: Vec<String>,
}

impl Page {
    fn all() -> Vec<Self> {
        let mut pages = Vec::new();
        walk(Path::new(env!("CARGO_MANIFEST_DIR")), &mut |file| {
            if file.extension().is_some_and(|extension| extension == "md") {
                pages.push(Self::read(file.to_owned()));
            }
        });
        assert!(pages.len() >= 10, "only {} pages", pages.len());
        pages
    }

    fn read(path: PathBuf) -> Self {
        let mut in_block = false;
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().filter(|line| {
            let fence = line.trim_start().starts_with("```");
            in_block ^= fence;
            !in_block && !fence && !line.starts_with("    ")
        });
        Self {
            lines: lines.map(str::to_owned).collect(),
            path,
        }
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap()
    }

    /// The targets of links, but for those to other sites.
    fn links(&self) -> impl Iterator<Item = String> {
        let targets = self.lines.iter().flat_map(|line| {
            let parts = line.split("](").skip(1);
            parts.filter_map(|part| part.split_once(')'))
        });
        targets
            .map(|(target, _)| target.to_owned())
            .filter(|target| !target.contains("://"))
    }

    fn leads_somewhere(&self, link: &str) -> bool {
        let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
        let path = match path {
            "" => self.path.clone(),
            path => self.folder().join(path),
        };
        path.exists() && (anchor.is_empty() || Self::read(path).anchors().any(|one| one == anchor))
    }

    /// Headings as GitHub makes anchors of them; none is there twice.
    fn anchors(&self) -> impl Iterator<Item = String> {
        let headings = self.lines.iter().filter(|line| line.starts_with('#'));
        headings.map(|heading| {
            let heading = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = heading
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
    }

    fn inline_code(&self) -> impl Iterator<Item = &str> {
        let lines = self.lines.iter();
        lines.flat_map(|line| line.split('`').skip(1).step_by(2))
    }
}

/// Whether it is a file's name or path, as far as its looks go.
fn is_source(code: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    // Not in every clone, or a placeholder.
    let of_others = code.starts_with('/') || code.starts_with("target/");
    let endings = [".rs", ".md", ".c", ".service", ".socket", ".sh"];
    code.chars().all(plain)
        && !of_others
        && endings
            .iter()
            .any(|end| code.ends_with(end) && code.len() > end.len())
}

/// Visits the files of the repository: hidden folders and what is built is not its own.
fn walk(folder: &Path, visit: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap_or_default();
        if path.is_file() {
            visit(&path);
        } else if !name.starts_with('.') && !["target", "corpus", "artifacts"].contains(&name) {
            walk(&path, visit);
        }
    }
}

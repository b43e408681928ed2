//! Reads the tree: every text, and of each production source what the rules ask for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Meta, Token, UseTree};

/// Folders that hold no text of ours, or what fuzzers made.
const NOT_OURS: &[&str] = &[".git", "target", "fuzz/corpus", "fuzz/artifacts", "fuzz/pki"];

/// Every text of the repository, and what the production sources among them declare.
#[derive(Debug, Default)]
pub struct Tree {
    /// Where it was read from; empty for one made of a table.
    pub(super) root: PathBuf,
    /// By path relative to the root.
    pub(super) texts: BTreeMap<String, String>,
    /// Production sources of all crates.
    pub(super) sources: Vec<Source>,
    /// Their modules.
    pub(super) modules: Vec<Module>,
}

/// One production source.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: String,
    /// Name of the crate's folder.
    pub(super) krate: String,
    pub(super) lines: usize,
    /// Lines of items that only tests build.
    pub(super) tests: Vec<RangeInclusive<usize>>,
    pub(super) functions: Vec<Function>,
    pub(super) constants: Vec<Constant>,
}

impl Source {
    pub(super) fn production_lines(&self) -> usize {
        self.lines - self.tests.iter().map(|lines| lines.clone().count()).sum::<usize>()
    }

    pub(super) fn is_test(&self, line: usize) -> bool {
        self.tests.iter().any(|lines| lines.contains(&line))
    }
}

#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) line: usize,
    /// From `fn` to the closing brace.
    pub(super) lines: usize,
}

#[derive(Debug)]
pub(super) struct Constant {
    pub(super) name: String,
    /// Last word of its type: `Duration`, `usize`.
    pub(super) kind: String,
    pub(super) line: usize,
    /// Its doc comment.
    pub(super) doc: String,
}

/// One module: a file, or `mod x { … }` in one.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// Index of its source.
    pub(super) file: usize,
    pub(super) parent: Option<usize>,
    pub(super) children: BTreeMap<String, usize>,
    pub(super) items: BTreeSet<String>,
    pub(super) macros: BTreeSet<String>,
    /// Names that `use` brings, with their paths.
    pub(super) uses: BTreeMap<String, Vec<String>>,
    /// Paths of `use …::*`, with their lines.
    pub(super) globs: Vec<(Vec<String>, usize)>,
    /// Every path that is named, with its line.
    pub(super) paths: Vec<(Vec<String>, usize)>,
    /// Macros that are called by a single name.
    pub(super) calls: Vec<(String, usize)>,
}

impl Tree {
    /// Reads the repository that this crate was built in.
    pub fn of_this_repository() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate lives in a folder of the root");
        let mut texts = BTreeMap::new();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
                let path = entry.unwrap_or_else(|error| panic!("{}: {error}", folder.display())).path();
                let name = path.strip_prefix(root).expect("it is below").to_string_lossy().into_owned();
                if path.is_symlink()
                    || NOT_OURS.iter().any(|left_out| name == *left_out || name.ends_with(&format!("/{left_out}")))
                {
                    continue;
                }
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(text) = fs::read_to_string(&path) {
                    texts.insert(name, text);
                }
            }
        }
        Self { root: root.to_owned(), ..Self::of(texts) }
    }

    /// Reads texts by their paths.
    pub(super) fn of(texts: BTreeMap<String, String>) -> Self {
        let mut tree = Self { texts, ..Self::default() };
        let roots: Vec<(String, String)> = tree
            .texts
            .keys()
            .filter_map(|path| {
                let (krate, file) = path.strip_prefix("crates/")?.split_once("/src/")?;
                let root = file == "lib.rs" || file == "main.rs" || (file.starts_with("bin/") && file.ends_with(".rs"));
                root.then(|| (krate.to_owned(), path.clone()))
            })
            .collect();
        for (krate, path) in roots {
            tree.read(&krate, &path, None);
        }
        tree
    }

    /// Reads one source and those it declares; its module.
    fn read(&mut self, krate: &str, path: &str, parent: Option<usize>) -> usize {
        let text = self.texts.get(path).cloned().unwrap_or_else(|| panic!("{path}: no such file"));
        let syntax =
            syn::parse_file(&text).unwrap_or_else(|error| panic!("{path}:{}: {error}", error.span().start().line));
        let (file, module) = (self.sources.len(), self.modules.len());
        self.sources.push(Source {
            path: path.to_owned(),
            krate: krate.to_owned(),
            lines: text.lines().count(),
            tests: vec![],
            functions: vec![],
            constants: vec![],
        });
        self.modules.push(Module { file, parent, ..Module::default() });
        let (folder, name) = path.rsplit_once('/').expect("a source is in a folder");
        let is_root = parent.is_none() || name == "mod.rs";
        let folder = if is_root { folder.to_owned() } else { path.trim_end_matches(".rs").to_owned() };
        Reader { tree: self, krate, file, module, folder }.visit_file(&syntax);
        module
    }

    /// The crate's root module that this one belongs to.
    pub(super) fn root_of(&self, module: usize) -> usize {
        let mut at = module;
        while let Some(parent) = self.module(at).parent {
            at = parent;
        }
        at
    }

    pub(super) fn module(&self, index: usize) -> &Module {
        self.modules.get(index).expect("an index of our own")
    }

    pub(super) fn source(&self, index: usize) -> &Source {
        self.sources.get(index).expect("an index of our own")
    }

    /// Rust files that are no production source, and the lines of those that are which only tests build.
    pub(super) fn is_test(&self, path: &str, line: usize) -> bool {
        self.sources.iter().find(|source| source.path == path).is_none_or(|source| source.is_test(line))
    }
}

struct Reader<'a> {
    tree: &'a mut Tree,
    krate: &'a str,
    file: usize,
    module: usize,
    /// Where files of child modules are.
    folder: String,
}

impl Reader<'_> {
    fn here(&mut self) -> &mut Module {
        self.tree.modules.get_mut(self.module).expect("an index of our own")
    }

    fn source(&mut self) -> &mut Source {
        self.tree.sources.get_mut(self.file).expect("an index of our own")
    }

    /// Whether only tests build this node; its lines are remembered.
    fn is_for_tests(&mut self, node: &impl ToTokens) -> bool {
        let read = |input: ParseStream<'_>| {
            let attributes = input.call(Attribute::parse_outer)?;
            input.parse::<TokenStream>()?;
            Ok(attributes)
        };
        let attributes = read.parse2(node.to_token_stream()).unwrap_or_default();
        let for_tests = attributes.iter().any(|attribute| {
            attribute.path().is_ident("test")
                || attribute.path().is_ident("cfg")
                    && attribute.parse_args::<Meta>().is_ok_and(|meta| holds(&meta) == Some(false))
        });
        if for_tests {
            let lines = node.span().start().line..=node.span().end().line;
            self.source().tests.push(lines);
        }
        for_tests
    }

    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let line = signature.fn_token.span.start().line;
        let lines = block.span().end().line + 1 - line;
        self.source().functions.push(Function { name: signature.ident.to_string(), line, lines });
    }

    fn constant(&mut self, attributes: &[Attribute], name: &syn::Ident, kind: &syn::Type) {
        let kind = kind.to_token_stream().into_iter().last().map(|token| token.to_string()).unwrap_or_default();
        let doc = attributes.iter().filter(|attribute| attribute.path().is_ident("doc"));
        let doc = doc.map(|attribute| attribute.meta.to_token_stream().to_string()).collect();
        let line = name.span().start().line;
        self.source().constants.push(Constant { name: name.to_string(), kind, line, doc });
    }

    fn import(&mut self, before: &[String], tree: &UseTree) {
        let with = |name: &syn::Ident| before.iter().cloned().chain([name.to_string()]).collect::<Vec<_>>();
        let line = tree.span().start().line;
        match tree {
            UseTree::Path(path) => self.import(&with(&path.ident), &path.tree),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(before, tree)),
            UseTree::Glob(_) => self.here().globs.push((before.to_vec(), line)),
            UseTree::Name(name) if name.ident == "self" => {
                self.named(before.last().cloned().unwrap_or_default(), before.to_vec(), line);
            }
            UseTree::Name(name) => self.named(name.ident.to_string(), with(&name.ident), line),
            UseTree::Rename(name) => self.named(name.rename.to_string(), with(&name.ident), line),
        }
    }

    fn named(&mut self, name: String, path: Vec<String>, line: usize) {
        // `use crate::name as _` imports no name.
        if path.len() > 1 {
            self.here().uses.insert(name, path.clone());
        }
        self.here().paths.push((path, line));
    }

    /// Paths, calls and declarations that the tokens of a macro show.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let is =
            |at: usize, sign: char| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == sign);
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += 1;
            if let TokenTree::Group(group) = token {
                self.tokens(group.stream());
            }
            let TokenTree::Ident(ident) = token else { continue };
            let (line, mut path) = (ident.span().start().line, vec![ident.to_string()]);
            while is(at, ':') && is(at + 1, ':') {
                let Some(TokenTree::Ident(next)) = tokens.get(at + 2) else { break };
                path.push(next.to_string());
                at += 3;
            }
            if path.len() > 1 {
                self.here().paths.push((path, line));
            } else if is(at, '!') && matches!(tokens.get(at + 1), Some(TokenTree::Group(_))) {
                self.here().calls.push((ident.to_string(), line));
            } else if ["fn", "struct", "enum", "trait", "type", "const", "static"].contains(&ident.to_string().as_str())
                && let Some(TokenTree::Ident(name)) = tokens.get(at)
            {
                self.here().items.insert(name.to_string());
            }
        }
    }
}

/// What a `cfg` comes to where nothing is built for tests; `None` where that does not decide it.
fn holds(meta: &Meta) -> Option<bool> {
    let Meta::List(list) = meta else {
        let samples = meta.to_token_stream().to_string().ends_with("\"samples\"");
        return if meta.path().is_ident("test") || samples { Some(false) } else { None };
    };
    let parts =
        list.parse_args_with(syn::punctuated::Punctuated::<Meta, Token![,]>::parse_terminated).unwrap_or_default();
    let parts: Vec<_> = parts.iter().map(holds).collect();
    let decided = |by: bool| parts.contains(&Some(by)).then_some(by);
    let all = |of: bool| parts.iter().all(|part| *part == Some(of)).then_some(of);
    match list.path.to_token_stream().to_string().as_str() {
        "not" => parts.first().copied().flatten().map(|part| !part),
        "all" => decided(false).or_else(|| all(true)),
        "any" => decided(true).or_else(|| all(false)),
        _ => None,
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, node: &'ast syn::Item) {
        if !self.is_for_tests(node) {
            visit::visit_item(self, node);
        }
    }

    fn visit_impl_item(&mut self, node: &'ast syn::ImplItem) {
        if !self.is_for_tests(node) {
            visit::visit_impl_item(self, node);
        }
    }

    fn visit_field(&mut self, node: &'ast syn::Field) {
        if !self.is_for_tests(node) {
            visit::visit_field(self, node);
        }
    }

    fn visit_item_mod(&mut self, node: &'ast syn::ItemMod) {
        let name = node.ident.to_string();
        let folder = format!("{}/{name}", self.folder);
        let child = if let Some((_, items)) = &node.content {
            let child = self.tree.modules.len();
            self.tree.modules.push(Module { file: self.file, parent: Some(self.module), ..Module::default() });
            let mut reader = Reader { tree: self.tree, krate: self.krate, file: self.file, module: child, folder };
            items.iter().for_each(|item| reader.visit_item(item));
            child
        } else {
            let flat = format!("{folder}.rs");
            let path = if self.tree.texts.contains_key(&flat) { flat } else { format!("{folder}/mod.rs") };
            self.tree.read(self.krate, &path, Some(self.module))
        };
        self.here().children.insert(name, child);
    }

    fn visit_item_use(&mut self, node: &'ast syn::ItemUse) {
        if node.leading_colon.is_none() {
            self.import(&[], &node.tree);
        }
    }

    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        self.here().items.insert(node.sig.ident.to_string());
        self.function(&node.sig, &node.block);
        visit::visit_item_fn(self, node);
    }

    fn visit_impl_item_fn(&mut self, node: &'ast syn::ImplItemFn) {
        self.function(&node.sig, &node.block);
        visit::visit_impl_item_fn(self, node);
    }

    fn visit_trait_item_fn(&mut self, node: &'ast syn::TraitItemFn) {
        if let Some(block) = &node.default {
            self.function(&node.sig, block);
        }
        visit::visit_trait_item_fn(self, node);
    }

    fn visit_item_const(&mut self, node: &'ast syn::ItemConst) {
        self.here().items.insert(node.ident.to_string());
        self.constant(&node.attrs, &node.ident, &node.ty);
        visit::visit_item_const(self, node);
    }

    fn visit_impl_item_const(&mut self, node: &'ast syn::ImplItemConst) {
        self.constant(&node.attrs, &node.ident, &node.ty);
        visit::visit_impl_item_const(self, node);
    }

    fn visit_item_struct(&mut self, node: &'ast syn::ItemStruct) {
        self.here().items.insert(node.ident.to_string());
        visit::visit_item_struct(self, node);
    }

    fn visit_item_enum(&mut self, node: &'ast syn::ItemEnum) {
        self.here().items.insert(node.ident.to_string());
        visit::visit_item_enum(self, node);
    }

    fn visit_item_trait(&mut self, node: &'ast syn::ItemTrait) {
        self.here().items.insert(node.ident.to_string());
        visit::visit_item_trait(self, node);
    }

    fn visit_item_type(&mut self, node: &'ast syn::ItemType) {
        self.here().items.insert(node.ident.to_string());
        visit::visit_item_type(self, node);
    }

    fn visit_item_static(&mut self, node: &'ast syn::ItemStatic) {
        self.here().items.insert(node.ident.to_string());
        visit::visit_item_static(self, node);
    }

    fn visit_item_macro(&mut self, node: &'ast syn::ItemMacro) {
        if let Some(name) = &node.ident {
            self.here().items.insert(name.to_string());
            self.here().macros.insert(name.to_string());
        }
        visit::visit_item_macro(self, node);
    }

    fn visit_macro(&mut self, node: &'ast syn::Macro) {
        if let Some(name) = node.path.get_ident() {
            self.here().calls.push((name.to_string(), name.span().start().line));
        }
        self.tokens(node.tokens.clone());
        visit::visit_macro(self, node);
    }

    fn visit_path(&mut self, node: &'ast syn::Path) {
        if node.leading_colon.is_none() && node.segments.len() > 1 {
            let path = node.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.here().paths.push((path, node.span().start().line));
        }
        visit::visit_path(self, node);
    }
}

/// Every string literal of a source with its line; those that doc comments are made of left out.
pub(super) fn literals(path: &str, text: &str) -> Vec<(usize, String)> {
    fn walk(tokens: TokenStream, found: &mut Vec<(usize, String)>) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => {
                    let doc =
                        group.delimiter() == Delimiter::Bracket && group.stream().to_string().starts_with("doc =");
                    if !doc {
                        walk(group.stream(), found);
                    }
                }
                TokenTree::Literal(literal) => {
                    let line = Span::start(&literal.span()).line;
                    let literal = syn::Lit::new(literal);
                    if let syn::Lit::Str(text) = &literal {
                        found.push((line, text.value()));
                    } else if let syn::Lit::ByteStr(text) = &literal {
                        found.push((line, String::from_utf8_lossy(&text.value()).into_owned()));
                    }
                }
                TokenTree::Ident(_) | TokenTree::Punct(_) => {}
            }
        }
    }
    let mut found = Vec::new();
    walk(text.parse().unwrap_or_else(|error| panic!("{path}: {error}")), &mut found);
    found
}

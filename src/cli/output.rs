use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use color_eyre::eyre::Result;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use unicode_width::UnicodeWidthStr;

use crate::link::{Answers, Talk};
use crate::model::guarded;

/// How rows are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Aligned columns for people.
    Table,
    /// One object a line.
    Json,
    /// Comma-separated values with a header.
    Csv,
}

/// Says something to a person, on standard error.
pub fn say(text: &str) {
    // Whoever closed standard error does not want to hear it.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Writes text to standard output.
pub fn write(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Where a command's rows and words go: to this process's own streams, or to whoever asked for them over the socket.
#[derive(Clone)]
pub(super) enum Out {
    /// Standard output and standard error.
    Own,
    /// Somebody at the other end of the socket.
    Far(Arc<Mutex<Far>>),
}

/// The way to somebody at the other end, with what is not sent yet.
pub(super) struct Far {
    talk: Talk,
    rows: Vec<u8>,
}

/// Rows that go over the socket together.
const TOGETHER: usize = 64 << 10;

impl Far {
    fn send(&mut self) -> std::io::Result<()> {
        let rows = std::mem::take(&mut self.rows);
        if rows.is_empty() { Ok(()) } else { self.talk.out(&rows) }
    }
}

impl Out {
    /// To somebody at the other end of the socket.
    pub(super) fn far(talk: Talk) -> Self {
        Out::Far(Arc::new(Mutex::new(Far { talk, rows: Vec::new() })))
    }

    /// Bytes for standard output.
    pub(super) fn bytes(&self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Out::Own => std::io::stdout().lock().write_all(bytes),
            Out::Far(far) => {
                let mut far = far.lock().unwrap_or_else(PoisonError::into_inner);
                far.rows.extend_from_slice(bytes);
                if far.rows.len() >= TOGETHER { far.send() } else { Ok(()) }
            }
        }
    }

    /// What was written goes out.
    pub(super) fn flush(&self) -> std::io::Result<()> {
        match self {
            Out::Own => std::io::stdout().lock().flush(),
            Out::Far(far) => far.lock().unwrap_or_else(PoisonError::into_inner).send(),
        }
    }

    /// Text for standard output.
    pub(super) fn write(&self, text: &str) -> Result<()> {
        self.bytes(text.as_bytes())?;
        Ok(self.flush()?)
    }

    /// Says something to a person, on standard error.
    pub(super) fn say(&self, text: &str) {
        match self {
            Out::Own => say(text),
            Out::Far(far) => {
                let mut far = far.lock().unwrap_or_else(PoisonError::into_inner);
                // Whoever is gone hears nothing.
                let _ = far.send();
                far.talk.say(text);
            }
        }
    }
}

impl Out {
    /// Asks somebody at the other end, who answers without showing it. Where the answer comes from, which is waited for
    /// beside all else; nothing if that one is gone.
    pub(super) fn ask(&self, question: &str) -> Option<Answers> {
        let Out::Far(far) = self else { return None };
        let mut far = far.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever is gone answers nothing.
        let _ = far.send();
        far.talk.ask(question)
    }

    /// Whether whoever asked at the other end is gone.
    pub(super) fn is_left(&self) -> bool {
        match self {
            Out::Own => false,
            Out::Far(far) => far.try_lock().is_ok_and(|far| far.talk.is_over()),
        }
    }
}

/// Rows on their way out. They stream: no more of them is held than is written at once, or aligns a table. Rows that end
/// early are told on standard error.
pub(super) struct Rows {
    out: Out,
    format: Format,
    /// Column title and path of its member, `a.b` for a member of a member.
    columns: &'static [(&'static str, &'static str)],
    waiting: Vec<Vec<String>>,
    /// How wide each column of a table is, once its first rows were shown.
    widths: Vec<usize>,
    csv: Option<csv::Writer<Vec<u8>>>,
    /// How many rows came.
    came: u64,
    whole: bool,
}

/// A table is aligned by so many rows at first; those behind it stream.
const ALIGNED: usize = 5_000;

impl Rows {
    pub(super) fn new(out: &Out, format: Format, columns: &'static [(&'static str, &'static str)]) -> Result<Self> {
        let mut csv = None;
        if format == Format::Csv {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(columns.iter().map(|(_, path)| *path))?;
            csv = Some(writer);
        }
        Ok(Self {
            out: out.clone(),
            format,
            columns,
            waiting: Vec::new(),
            widths: Vec::new(),
            csv,
            came: 0,
            whole: false,
        })
    }

    /// Shows a row.
    pub(super) fn push(&mut self, row: &impl serde::Serialize) -> Result<()> {
        self.came += 1;
        match self.format {
            Format::Json => {
                let mut line = serde_json::to_string(row)?;
                line.push('\n');
                self.out.bytes(line.as_bytes())?;
            }
            Format::Csv => {
                let cells = self.cells(row, true)?;
                if let Some(writer) = &mut self.csv {
                    writer.write_record(cells)?;
                    if writer.get_ref().len() > 64 << 10 {
                        self.drain()?;
                    }
                }
            }
            Format::Table => {
                let cells = self.cells(row, false)?;
                self.waiting.push(cells);
                if self.waiting.len() >= ALIGNED {
                    self.align()?;
                }
            }
        }
        Ok(())
    }

    fn drain(&mut self) -> Result<()> {
        if let Some(writer) = self.csv.take() {
            let bytes = writer.into_inner().map_err(|error| std::io::Error::other(error.to_string()))?;
            self.out.bytes(&bytes)?;
            self.csv = Some(csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new()));
        }
        Ok(())
    }

    fn cells(&self, row: &impl serde::Serialize, guard: bool) -> Result<Vec<String>> {
        let Value::Object(object) = serde_json::to_value(row)? else { return Ok(Vec::new()) };
        Ok(self.columns.iter().map(|(_, path)| cell(&object, path, guard)).collect())
    }

    /// Writes the rows of a table that wait. The first ones have the titles above them.
    fn align(&mut self) -> Result<()> {
        let titles =
            self.widths.is_empty().then(|| self.columns.iter().map(|(title, _)| (*title).to_owned()).collect());
        self.widths.resize(self.columns.len(), 0);
        let rows: Vec<Vec<String>> = titles.into_iter().chain(self.waiting.drain(..)).collect();
        for row in &rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        for row in rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&self.widths) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', width - cell.width() + 2));
            }
            self.out.bytes(format!("{}\n", line.trim_end()).as_bytes())?;
        }
        Ok(())
    }

    /// Shows what waits: all rows came.
    pub(super) fn finish(mut self) -> Result<()> {
        self.drain()?;
        if !self.waiting.is_empty() {
            self.align()?;
        }
        self.out.flush()?;
        self.whole = true;
        Ok(())
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        if !self.whole && self.came > 0 {
            self.out.say(&format!("tenantop: these rows are not all: they ended after {}", self.came));
        }
    }
}

fn cell(object: &Map<String, Value>, path: &str, guard: bool) -> String {
    let mut value = object.get(path.split('.').next().unwrap_or(path));
    for part in path.split('.').skip(1) {
        value = value.and_then(|value| value.get(part));
    }
    let text = match value {
        None | Some(Value::Null) => return String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) if list.iter().all(|one| one.is_string() || one.is_number()) => {
            let words: Vec<String> =
                list.iter().map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned)).collect();
            words.join(" ")
        }
        Some(other) => other.to_string(),
    };
    if guard { guarded(text) } else { crate::model::clean(&text).into_owned() }
}

/// A number of bytes for people.
pub(super) fn size(bytes: u64) -> String {
    let (unit, shift) = match bytes {
        0..0x0010_0000 => ("KiB", 10),
        0x0010_0000..0x4000_0000 => ("MiB", 20),
        0x4000_0000.. => ("GiB", 30),
    };
    let tenths = (bytes >> (shift - 10)).saturating_mul(10) >> 10;
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// Whether people read standard error.
pub(super) fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

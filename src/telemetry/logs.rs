//! Structured logs: one JSON object a line (or one readable line, for a terminal) with the fields of the event and of
//! the spans around it, `call_id` among them, every text masked by [`mask_text`]. A thread of its own writes, so that a
//! stuck terminal or disk holds up no call. Leaves what is logged to the rooms that log.

use std::fmt;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use super::mask_text;

/// What is logged and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Levels by target, as in `info,telefonist::trunk=debug`.
    pub filter: String,
    pub format: Format,
}

impl Default for Config {
    fn default() -> Config {
        Config { filter: "info".to_owned(), format: Format::Json }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// One line for people.
    Text,
}

#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("the log filter is wrong: give levels by target, as in info,telefonist::trunk=debug")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    #[error("the log thread could not be started")]
    Thread(#[from] std::io::Error),
    #[error("logging was set up before")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Keeps the logs going; what was logged is on its way out before this is gone.
#[derive(Debug)]
pub struct Logs {
    lines: SyncSender<Line>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Logs {
    fn drop(&mut self) {
        if self.lines.send(Line::Last).is_ok()
            && let Some(thread) = self.thread.take()
        {
            // A writer that panicked has nothing more to write.
            let _ = thread.join();
        }
    }
}

/// Sends all logs of the program to standard error from now on.
pub fn init(config: &Config) -> Result<Logs, LogError> {
    let filter = EnvFilter::try_new(&config.filter)?;
    let (layer, lines) = layer(config.format);
    let sender = layer.lines.clone();
    let dropped = Arc::clone(&layer.dropped);
    let thread = std::thread::Builder::new()
        .name("logs".to_owned())
        .spawn(move || write_all(&lines, &dropped, &mut std::io::stderr()))?;
    tracing_subscriber::registry().with(filter).with(layer).try_init()?;
    Ok(Logs { lines: sender, thread: Some(thread) })
}

enum Line {
    Text(String),
    Last,
}

/// Lines on their way to the writing thread.
const QUEUE: usize = 8192;
/// Longest text of one field, in characters.
const LONGEST: usize = 4000;

fn layer(format: Format) -> (Masked, Receiver<Line>) {
    // Full: the line is dropped and counted, because a call must not wait for a log.
    let (lines, written) = sync_channel(QUEUE);
    (Masked { format, lines, dropped: Arc::new(AtomicU64::new(0)) }, written)
}

fn write_all(lines: &Receiver<Line>, dropped: &AtomicU64, out: &mut dyn Write) {
    while let Ok(Line::Text(line)) = lines.recv() {
        // Where logs cannot be written there is no better place to say so.
        let _ = out.write_all(line.as_bytes());
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let _ = writeln!(out, "{{\"level\":\"WARN\",\"message\":\"log lines were dropped\",\"lines\":{lost}}}");
        }
    }
    let _ = out.flush();
}

/// The layer that turns events into masked lines.
struct Masked {
    format: Format,
    lines: SyncSender<Line>,
    dropped: Arc<AtomicU64>,
}

/// The fields of a span, masked when they were recorded.
struct SpanFields(Map<String, Value>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Masked {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(SpanFields(fields.0));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        if let Some(span) = context.span(id)
            && let Some(known) = span.extensions_mut().get_mut::<SpanFields>()
        {
            known.0.extend(fields.0);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Map::new();
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(known) = span.extensions().get::<SpanFields>() {
                fields.extend(known.0.clone());
            }
        }
        let mut own = Fields::default();
        event.record(&mut own);
        fields.extend(own.0);
        let at = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        let line = match self.format {
            Format::Json => json_line(&at, event.metadata().level(), event.metadata().target(), fields),
            Format::Text => text_line(&at, event.metadata().level(), event.metadata().target(), fields),
        };
        if let Err(TrySendError::Full(_)) = self.lines.try_send(Line::Text(line)) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn json_line(at: &str, level: &Level, target: &str, fields: Map<String, Value>) -> String {
    let mut object = Map::new();
    object.insert("at".to_owned(), at.into());
    object.insert("level".to_owned(), level.as_str().into());
    object.insert("target".to_owned(), target.into());
    for (name, value) in fields {
        object.entry(name).or_insert(value);
    }
    format!("{}\n", Value::Object(object))
}

fn text_line(at: &str, level: &Level, target: &str, mut fields: Map<String, Value>) -> String {
    let message = match fields.remove("message") {
        Some(Value::String(message)) => message.replace(char::is_control, " "),
        _ => String::new(),
    };
    let time = at.get(11..23).unwrap_or(at);
    let mut line = format!("{time} {level:>5} {target}: {message}");
    for (name, value) in fields {
        // JSON's quoting keeps line breaks and terminal controls of strangers out of the terminal.
        match value
            .as_str()
            .filter(|text| !text.is_empty() && !text.contains([' ', '"', '\\']) && !text.contains(char::is_control))
        {
            Some(plain) => line.push_str(&format!(" {name}={plain}")),
            None => line.push_str(&format!(" {name}={value}")),
        }
    }
    line.push('\n');
    line
}

/// Collects fields; every text goes through the mask.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn put_text(&mut self, field: &Field, text: &str) {
        // Masked before it is cut: half a number would not be recognised.
        let masked = mask_text(text);
        match masked.char_indices().nth(LONGEST) {
            Some((end, _)) => self.put(field, format!("{}…", &masked[..end])),
            None => self.put(field, masked.into_owned()),
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put_text(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut source = value.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        self.put_text(field, &text);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put_text(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(format: Format, act: impl FnOnce()) -> String {
        let (layer, lines) = layer(format);
        let dropped = Arc::clone(&layer.dropped);
        let last = layer.lines.clone();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), act);
        let writing = std::thread::spawn(move || {
            let mut out = Vec::new();
            write_all(&lines, &dropped, &mut out);
            out
        });
        last.send(Line::Last).unwrap();
        String::from_utf8(writing.join().unwrap()).unwrap()
    }

    fn canaries() {
        let span =
            tracing::info_span!("call", call_id = "0199a1b2-c3d4-7e5f-8899-001122334455", from = "+380671234567");
        let _inside = span.enter();
        let error = std::io::Error::other("no route to olena@example.com");
        tracing::info!(card = "4111 1111 1111 1111", list = ?vec!["0671234567"], n = 5, "heard 067 123 45 67");
        tracing::warn!(error = &error as &dyn std::error::Error, "failed");
    }

    #[test]
    fn no_canary_reaches_a_line_and_the_call_is_on_all() {
        for format in [Format::Json, Format::Text] {
            let out = logged(format, canaries);
            assert_eq!(out.lines().count(), 2, "{out}");
            for canary in ["0671234567", "380671234567", "067 123 45 67", "4111 1111", "olena@"] {
                assert!(!out.contains(canary), "{canary} in {out}");
            }
            assert!(out.lines().all(|line| line.contains("0199a1b2-c3d4-7e5f-8899-001122334455")), "{out}");
        }
    }

    #[test]
    fn a_json_line_is_an_object_with_fields_as_they_are() {
        let out = logged(Format::Json, canaries);
        let first: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
        assert_eq!(first["level"], "INFO");
        assert_eq!(first["n"], 5);
        assert_eq!(first["message"], "heard 06••••••67");
        assert_eq!(first["from"], "+3•••••••••67");
    }

    #[test]
    fn a_stranger_cannot_break_a_text_line() {
        let out = logged(Format::Text, || tracing::info!(agent = "x\n\u{1b}[2J", "heard\nagain"));
        assert_eq!(out.lines().count(), 1, "{out:?}");
        assert!(!out.contains('\u{1b}'), "{out:?}");
    }

    #[test]
    fn a_full_queue_drops_and_says_so() {
        let out = logged(Format::Json, || {
            for _ in 0..QUEUE {
                tracing::info!("fill");
            }
            tracing::info!("one too many");
        });
        assert!(out.contains("log lines were dropped"));
    }
}

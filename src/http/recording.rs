//! Recordings, whole or by range so that a browser can seek (RFC 9110 §14). The file is the one the record names for
//! the call; nothing of the request becomes part of a path.

use std::io::SeekFrom;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::unavailable;
use crate::base::CallId;

/// Read and sent at a time, bytes.
const PIECE: usize = 64 * 1024;

pub(super) async fn listen(State(state): State<super::State>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let Ok(id) = id.parse::<CallId>() else { return StatusCode::NOT_FOUND.into_response() };
    let path = match state.store.recording(id).await {
        Ok(Some(path)) => path,
        Ok(None) => return StatusCode::NOT_FOUND.into_response(),
        Err(error) => return unavailable(Some(error)),
    };
    let opened = async {
        let file = File::open(&path).await?;
        let size = file.metadata().await?.len();
        Ok::<_, std::io::Error>((file, size))
    };
    let (mut file, size) = match opened.await {
        Ok(opened) => opened,
        Err(error) => {
            tracing::warn!(call_id = %id, %error, "a recording cannot be read");
            return StatusCode::NOT_FOUND.into_response();
        }
    };
    let kind = [(header::CONTENT_TYPE, "audio/wav"), (header::ACCEPT_RANGES, "bytes")];
    let asked = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    match Part::of(asked, size) {
        Part::Whole => {
            let length = [(header::CONTENT_LENGTH, size.to_string())];
            (StatusCode::OK, kind, length, pieces(file, size)).into_response()
        }
        Part::Range { first, last } => {
            if file.seek(SeekFrom::Start(first)).await.is_err() {
                return StatusCode::NOT_FOUND.into_response();
            }
            let length = last - first + 1;
            let extent = [
                (header::CONTENT_RANGE, format!("bytes {first}-{last}/{size}")),
                (header::CONTENT_LENGTH, length.to_string()),
            ];
            (StatusCode::PARTIAL_CONTENT, kind, extent, pieces(file, length)).into_response()
        }
        Part::Outside => {
            let extent = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
            (StatusCode::RANGE_NOT_SATISFIABLE, extent).into_response()
        }
    }
}

/// What part of a file a Range header asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Whole,
    /// Both ends included.
    Range {
        first: u64,
        last: u64,
    },
    Outside,
}

impl Part {
    /// A Range we do not understand, several ranges among them, is ignored, as RFC 9110 §14.2 allows.
    fn of(asked: Option<&str>, size: u64) -> Part {
        let range = asked.and_then(|asked| asked.strip_prefix("bytes=")).and_then(|range| range.split_once('-'));
        let Some((from, to)) = range.map(|(from, to)| (from.trim(), to.trim())) else { return Part::Whole };
        match (from.parse::<u64>(), to.parse::<u64>()) {
            (Ok(first), Ok(last)) if first > last => Part::Whole,
            (Ok(first), _) if first >= size => Part::Outside,
            (Ok(first), Ok(last)) => Part::Range { first, last: last.min(size - 1) },
            (Ok(first), Err(_)) if to.is_empty() => Part::Range { first, last: size - 1 },
            // The last so many bytes.
            (Err(_), Ok(0)) if from.is_empty() => Part::Outside,
            (Err(_), Ok(_)) if from.is_empty() && size == 0 => Part::Outside,
            (Err(_), Ok(count)) if from.is_empty() => Part::Range { first: size.saturating_sub(count), last: size - 1 },
            _ => Part::Whole,
        }
    }
}

fn pieces(file: File, length: u64) -> Body {
    Body::from_stream(stream::unfold((file, length), |(mut file, left)| async move {
        if left == 0 {
            return None;
        }
        let mut piece = vec![0; usize::try_from(left).unwrap_or(PIECE).min(PIECE)];
        match file.read(&mut piece).await {
            // The file became shorter than it was: the connection is broken off, which tells the reader so.
            Ok(0) => Some((Err(std::io::ErrorKind::UnexpectedEof.into()), (file, 0))),
            Ok(read) => {
                piece.truncate(read);
                Some((Ok::<_, std::io::Error>(Bytes::from(piece)), (file, left - read as u64)))
            }
            Err(error) => Some((Err(error), (file, 0))),
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_as_browsers_ask() {
        for (asked, size, part) in [
            (None, 100, Part::Whole),
            (Some("bytes=0-"), 100, Part::Range { first: 0, last: 99 }),
            (Some("bytes=0-0"), 100, Part::Range { first: 0, last: 0 }),
            (Some("bytes=10-500"), 100, Part::Range { first: 10, last: 99 }),
            (Some("bytes=-30"), 100, Part::Range { first: 70, last: 99 }),
            (Some("bytes=-300"), 100, Part::Range { first: 0, last: 99 }),
            (Some("bytes=100-"), 100, Part::Outside),
            (Some("bytes=-0"), 100, Part::Outside),
            (Some("bytes=0-"), 0, Part::Outside),
            (Some("bytes=-5"), 0, Part::Outside),
            (Some("bytes=20-10"), 100, Part::Whole),
            (Some("bytes=0-1,5-6"), 100, Part::Whole),
            (Some("items=0-1"), 100, Part::Whole),
            (Some("bytes=a-b"), 100, Part::Whole),
            (Some("bytes=-"), 100, Part::Whole),
        ] {
            assert_eq!(Part::of(asked, size), part, "{asked:?} of {size}");
        }
    }
}

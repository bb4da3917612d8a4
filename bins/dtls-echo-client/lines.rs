//! Lines of any bytes, with a bound on what is kept of one.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// Splits a reader into lines, each with its newline; a last line without one gets one.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    reader: R,
    line: Vec<u8>,
    size: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Whole(Vec<u8>),
    /// A line longer than what was asked for, of which nothing was kept.
    TooLong {
        size: usize,
    },
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self {
            reader,
            line: Vec::new(),
            size: 0,
        }
    }

    /// Reads the next line of up to `max` bytes, newline included; None is the end of input.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: what was read of a line is kept for the next call.
    pub(crate) async fn next(&mut self, max: usize) -> io::Result<Option<Line>> {
        loop {
            let available = self.reader.fill_buf().await?;
            let (taken, ended) = match available.iter().position(|byte| *byte == b'\n') {
                Some(newline) => (newline + 1, true),
                None => (available.len(), false),
            };
            let at_end = taken == 0;
            self.size += taken;
            if self.size <= max {
                self.line.extend_from_slice(&available[..taken]);
            }
            self.reader.consume(taken);
            if at_end && self.size == 0 {
                return Ok(None);
            }
            if at_end {
                self.size += 1;
                self.line.push(b'\n');
            }
            if ended || at_end {
                return Ok(Some(self.finish(max)));
            }
        }
    }

    fn finish(&mut self, max: usize) -> Line {
        let size = std::mem::take(&mut self.size);
        let line = std::mem::take(&mut self.line);
        if size <= max {
            Line::Whole(line)
        } else {
            Line::TooLong { size }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::BufReader;

    async fn lines(input: &[u8], capacity: usize, max: usize) -> Vec<Line> {
        let mut lines = Lines::new(BufReader::with_capacity(capacity, input));
        let mut found = Vec::new();
        while let Some(line) = lines.next(max).await.unwrap() {
            found.push(line);
        }
        found
    }

    #[tokio::test]
    async fn bytes_are_kept_and_long_lines_only_measured() {
        let input = b"a\n\n\xff\0\n12345\nlast";
        for capacity in [1, 2, 100] {
            let expected = vec![
                Line::Whole(b"a\n".to_vec()),
                Line::Whole(b"\n".to_vec()),
                Line::Whole(b"\xff\0\n".to_vec()),
                Line::TooLong { size: 6 },
                Line::Whole(b"last\n".to_vec()),
            ];
            assert_eq!(lines(input, capacity, 5).await, expected);
        }
        assert_eq!(lines(b"", 8, 5).await, []);
        assert_eq!(lines(b"12345", 8, 5).await, [Line::TooLong { size: 6 }]);
    }
}

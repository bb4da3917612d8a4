//! Shows what is in datagrams, each a line of hexadecimal digits on stdin.
//!
//!     echo 15fefd000000000000000000020100 | cargo run -p dtls-wire --example dissect

use std::{
    error::Error,
    io::{self, BufRead},
};

use dtls_wire::{
    Ack, Alert, AnyRecord, ClientHello, ContentType, Decode, ExtensionContent, Extensions,
    Fragment, HandshakeType, Hello, HelloVerifyRequest, Malformed, Record, ServerHello, records,
};

fn main() -> Result<(), Box<dyn Error>> {
    for line in io::stdin().lock().lines() {
        let datagram = bytes(&line?)?;
        println!("datagram, {} bytes", datagram.len());
        for record in records(&datagram) {
            match record {
                Ok(AnyRecord::Full(record)) => show_record(&record),
                Ok(AnyRecord::Unified(record)) => println!(
                    "  protected record of DTLS 1.3, epoch ..{}, {} bytes",
                    record.epoch,
                    record.body.len()
                ),
                Err(malformed) => println!("  no record: {malformed}"),
            }
        }
    }
    Ok(())
}

fn show_record(record: &Record<'_>) {
    println!(
        "  {}, {}, epoch {}, number {}, {} bytes",
        record.content_type,
        record.version,
        record.epoch,
        record.sequence,
        record.body.len()
    );
    if record.epoch > 0 {
        return;
    }
    match record.content_type {
        ContentType::ALERT => show("alert", Alert::parse(record.body)),
        ContentType::ACK => show("acknowledged", Ack::parse(record.body)),
        ContentType::HANDSHAKE => {
            for fragment in record.fragments() {
                match fragment {
                    Ok(fragment) => show_fragment(&fragment),
                    Err(malformed) => println!("    no fragment: {malformed}"),
                }
            }
        }
        _ => {}
    }
}

fn show_fragment(fragment: &Fragment<'_>) {
    println!(
        "    {}, message {}, bytes {} to {} of {}",
        fragment.handshake_type,
        fragment.message_sequence,
        fragment.offset,
        fragment.offset + fragment.body.len(),
        fragment.message_length
    );
    if !fragment.is_whole() {
        return;
    }
    match fragment.handshake_type {
        HandshakeType::CLIENT_HELLO => match ClientHello::parse(fragment.body) {
            Ok(hello) => {
                println!("      {}", hello.version);
                for suite in hello.cipher_suites {
                    println!("      {suite}");
                }
                show_extensions(hello.extensions, Hello::Client);
            }
            Err(malformed) => println!("      malformed: {malformed}"),
        },
        HandshakeType::SERVER_HELLO => match ServerHello::parse(fragment.body) {
            Ok(hello) => {
                println!("      {}, {}", hello.version, hello.cipher_suite);
                show_extensions(hello.extensions, hello.hello());
            }
            Err(malformed) => println!("      malformed: {malformed}"),
        },
        HandshakeType::HELLO_VERIFY_REQUEST => {
            show("asks for", HelloVerifyRequest::parse(fragment.body));
        }
        _ => {}
    }
}

fn show_extensions(extensions: Option<Extensions<'_>>, hello: Hello) {
    for extension in extensions.unwrap_or_default().iter() {
        match extension.content(hello) {
            Ok(ExtensionContent::ServerName(Some(name))) => {
                println!("      server_name: {:?}", String::from_utf8_lossy(name));
            }
            Ok(content) => println!("      {content:?}"),
            Err(malformed) => println!("      {}: {malformed}", extension.extension_type),
        }
    }
}

fn show(what: &str, value: Result<impl std::fmt::Debug, Malformed>) {
    match value {
        Ok(value) => println!("    {what}: {value:?}"),
        Err(malformed) => println!("    {what}: {malformed}"),
    }
}

fn bytes(line: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let digits: Vec<_> = line
        .chars()
        .filter(|digit| !digit.is_whitespace())
        .map(|digit| digit.to_digit(16).ok_or("not a hexadecimal digit"))
        .collect::<Result<_, _>>()?;
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => Ok(u8::try_from(high << 4 | low)?),
        _ => Err("an odd number of digits".into()),
    });
    pairs.collect()
}

"""What ``hostile`` builds mails from: common things, and such as have broken readers of mail before."""

ADDRESSES = (
    b"ann.other@justice.example", b'"Other, Ann" <ann.other@justice.example>', b"Ann Other <ann@x.example>",
    b"<>", b"<", b"MAILER-DAEMON", b"<[0123456789abcdef]@host>", b"undisclosed-recipients:;",
    b"unlisted-recipients:; (no To-header on input)", b"alice@gov.example)bob@evil.example", b"a@b@c.example",
    b"=?utf-8?Q?M=C3=BCller?= <m@x.example>", b"=?utf-8?B?TcO8bGxlcg?= <m@x.example>", b'"a" "a" "a"@x.example',
    b"M\xfcller <m@x.example>", b"(comment (in comment) a@x.example", b"Group: a@x.example, b@x.example;",
    b"a@[127.0.0.1]", b"a@xn--mnchen-3ya.example", "m\u00fcller@m\u00fcnchen.example".encode(), b"a@x.example\0",
    b"postmaster@x.example", b"no-reply@x.example", b"a" * 300 + b"@x.example", b"a@x.example <b@y.example>",
)  # fmt: skip

IDS = (
    b"<1@x.example>", b"<>", b"<[0123]@host>", b"<a b@x>", b"<1@x.example> <2@x.example>", b"<" + b"a" * 400 + b"@x>",
    b"<mg.7k3f99.4.aaaa@justice.example>", b"no brackets", b"<a@x><b@x><c@x>", b"<\xff\xfe@x>", b"../../etc/passwd",
    b'"a.pdf"', b'"a\0.exe"', b"\"=?utf-8?Q?a=2Epdf?=\"", b"con", b"winmail.dat", b"utf-8''a%20b.pdf", b"''",
)  # fmt: skip

SUBJECTS = (
    b"Request for CRN X123456", b"Re: Re: AW: SV: [EXTERNAL] [MG-7K3F-99] licence", b"=?utf-8?Q?=0A?=Bcc: x@y.example",
    b"=?utf-8?B?//79?=", b"=?idna?Q?a?=", b"=?undefined?B?YQ==?=", b"=?utf-8?q?a?==?utf-8?q?b?=", b"=?utf-8?X?a?=",
    b"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", b"=?utf-7?Q?+AGEA?=", b"Automatic reply: out of office", b"\xe4\xf6\xfc",
    b"Undelivered Mail Returned to Sender", b"Delivery Status Notification (Failure)", b"a\x1b[31mb", b"", b" ", b"=?=",
    b"FW: WG: TR: x", b"OFFICIAL-SENSITIVE: x", "\u202eevil\u200b".encode(), b"=?utf-8?Q?" + b"=41" * 60 + b"?=",
)  # fmt: skip

DATES = (
    b"Sun, 22 Nov 2026 10:00:00 +0000", b"Mon, 31 Feb 2026 25:61:61 +9999", b"yesterday", b"1 Jan 0000 00:00:00 -0000",
    b"Thu, 01 Jan 1970 00:00:00 GMT", b"Fri, 31 Dec 99999 00:00:00 +0000", b"22 Nov 26 10:00 EST", b"-1", b"1e400",
    b"Sun, 22 Nov 2026 10:00:00 +2400", b"Sun, 22 Nov 2026 10:00:00 -99999999999999",
)  # fmt: skip

FIELDS: dict[bytes, tuple[bytes, ...]] = {
    **dict.fromkeys((b"From", b"To", b"Cc", b"Reply-To", b"Sender", b"Return-Path", b"Delivered-To"), ADDRESSES),
    **dict.fromkeys((b"Message-ID", b"References", b"In-Reply-To"), IDS),
    **dict.fromkeys((b"Subject", b"Thread-Topic", b"Comments"), SUBJECTS),
    b"Date": DATES,
    b"Auto-Submitted": (b"auto-replied", b"no", b"auto-generated (x)", b";;;", b""),
    b"Precedence": (b"bulk", b"list", b"junk", b"\xff"),
    b"X-Auto-Response-Suppress": (b"All", b"OOF, DR", b","),
    b"List-Id": (b"<list.x.example>", b"<", b""),
    b"Authentication-Results": (
        b"mx.x.example; spf=pass smtp.mailfrom=x.example; dkim=pass header.d=x.example; dmarc=pass",
        b"mx.x.example; (((((", b";;;;", b"x; dkim=", b"mx.x.example 1; none",
    ),
    b"X-Failed-Recipients": ADDRESSES,
    b"Received": (b"from a by b; Sun, 22 Nov 2026 10:00:00 +0000", b"(" * 40, b""),
}  # fmt: skip

CHARSETS = (
    b"utf-8", b"us-ascii", b"iso-8859-1", b"windows-1252", b"utf-16", b"utf-7", b"idna", b"undefined", b"punycode",
    b"iso-2022-jp", b"gb18030", b"big5", b"koi8-r", b"\0", b'""', b"unicode_escape", b"utf-32", b"hz", b"x-unknown",
    b"zlib", b"rot13", b"cp65001", b"utf-8 ; charset=latin1", b"'utf-8'", b"mbcs", b"..",
)  # fmt: skip

ENCODINGS = (b"base64", b"quoted-printable", b"7bit", b"8bit", b"binary", b"x-uuencode", b"BASE64 ", b"base64;", b"x")

TYPES = (
    b"text/plain", b"text/plain", b"text/html", b"text/html", b"multipart/mixed", b"multipart/alternative",
    b"multipart/related", b"multipart/report; report-type=delivery-status", b"multipart/signed", b"multipart/digest",
    b"message/rfc822", b"message/delivery-status", b"message/partial", b"text/calendar; method=REQUEST", b"text/rtf",
    b"application/octet-stream", b"application/ms-tnef", b"image/png", b"text", b"/", b"", b"multipart/",
    b"text/plain; format=flowed; delsp=yes", b"message/disposition-notification", b"multipart/appledouble",
    b"application/pkcs7-mime", b"text/enriched", b"message/feedback-report",
)  # fmt: skip

LINES = (
    b"Please help me with CRN X123456.", b"Done", b"#done", b"Thanks", b"", b" ", b"Kind regards", b"-- ", b"--",
    b"Ann Other", b"Sent from my iPhone", b"Tel: 020 7946 0000 | ann@x.example", b"OFFICIAL-SENSITIVE",
    b"begin 644 a.bin", b"M86", b"end", b"Final-Recipient: rfc822; a@x.example", b"Action: failed", b"Status: 5.1.1",
    b"Action: delayed", b"Diagnostic-Code: smtp; 550 no such user", b"Reporting-MTA: dns; x", b"<a@x.example>:",
    "\u00e4\u00f6\u00fc \u65e5\u672c\u8a9e \u0623\u0647\u0644\u0627".encode(), b"\xff\xfe\xfd", b"\0\0\0", b"\x1b$B",
    b"a" * 2000, b"word " * 300, b">" * 300, b"> > > >> deep", b"=" * 76, b"_" * 40, b"=3D=\r\n=E4", b"|" * 50,
    b"Get Outlook for iOS<https://aka.ms/o0ukef>", b"http://x.example/" + b"a" * 500, b"12/11/2026 at 3pm", b"\t" * 100,
    b"From: a@x.example", b"Sent: 22 November 2026 10:00", b"To: b@x.example", b"Subject: x", b"*From:* a", b"\xc2\xa0",
)  # fmt: skip

HISTORY = (
    b"On Sun, 22 Nov 2026 at 10:00, Ann Other <ann@x.example> wrote:", b"-----Original Message-----",
    b"Am 22.11.2026 um 10:00 schrieb Ann:", b"Le 22/11/2026, Ann a \xe9crit :", b"________________________________",
    b"From: a@x.example\r\nSent: today\r\nTo: b@x.example\r\nSubject: x\r\n", b"---------- Forwarded message ---------",
    b"Begin forwarded message:", b"##- Please type your reply above this line -##", b"On " + b"a " * 400 + b"wrote:",
    b"Op 22 nov. 2026 schreef Ann:", b"2026-11-22 10:00 GMT+01:00 Ann <a@x.example>:",
)  # fmt: skip

TAGS = (
    b"<p>", b"</p>", b"<div>", b"</div>", b"<br>", b"<b>bold</b>", b"<s>X111111</s>", b"<del>", b"</del>", b"<a ",
    b"<a href='http://x.example'>x</a>", b"<!--", b"-->", b"<!", b"<![CDATA[", b"]]>", b"<script>", b"</script>",
    b"<style>",
    b"<blockquote>", b"</blockquote>", b"<blockquote type=cite>", b"<div class=gmail_quote>", b"<div id=appendonsend>",
    b"<div id=divRplyFwdMsg>", b"<hr>", b"<table><tr><td>", b"</table>", b"&amp;", b"&#x110000;", b"&#0;", b"&nbsp;",
    b"&#xD800;", b"&lt", b"<o:p>", b"<li>", b"<ul>", b"</ul>", b"<pre>", b"</pre>", b"<svg><math>", b"<title>",
    b"<textarea>",
    b"<meta charset=utf-16>", b"<?xml version='1.0' encoding='idna'?>", b"<html>", b"</html>", b"<body>", b"\0",
    b"\xff",
    b"<div>" * 300, b"<a " * 100, b"<p style='text-decoration:line-through'>gone</p>", b"<img src=cid:1>",
    b"<template>",
    b"Please help me with CRN X123456. ", b"Done ", b"Kind regards<br>Ann", b"<font>" * 50, b"x" * 2000, b"\r\n",
)  # fmt: skip

TOKENS = (
    *(name + b": " for name in FIELDS), *(b"\r\n" + name + b": x\r\n" for name in FIELDS), *CHARSETS, *TAGS, *LINES,
    *ADDRESSES, *IDS, *SUBJECTS, *DATES, *HISTORY, *TYPES,
    b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\n\n", b"\r\r", b"\0", b"\xff", b"\x0b", b"\x0c", b"\x1c", b"\x85",
    b"\xe2\x80\xa8",
    b"\xed\xa0\x80", b"\xc0\x80", b"\xef\xbb\xbf", b"=?", b"?=", b"?Q?", b"?B?", b";", b'"', b"(", b")", b"<",
    b">", b"\\",
    b",", b":", b"@", b"*0*=", b"*0=", b"*1*=utf-8''%ff", b"%00", b"--b", b"--b--", b"\r\n--b\r\n",
    b"\r\n--b--\r\n", b"--",
    b"Content-Type: text/html\r\n", b"Content-Type: multipart/mixed; boundary=b\r\n", b'boundary="', b"; boundary=",
    b"; name*=utf-16''%fe%ff", b"; charset=", b"Content-Transfer-Encoding: base64\r\n", b"Content-ID: <1>\r\n",
    b"Content-Disposition: attachment; filename*0*=utf-8''a%; filename*1=b; filename*9=c\r\n", b"; format=flowed",
    b"MIME-Version: 1.0\r\n", b"From a@x.example Sun Nov 22 10:00:00 2026\r\n", b">From ", b".\r\n", b"=\r\n",
    b"=3D", b"=00",
    b"\x1b$B\x1b(B", b"~{", b"~}", b"+ADw-", b"\xfe\xff", b"\xff\xfe", b"\xff\xfe\0\0", b"\x78\x9f\x3e\x22",
)  # fmt: skip

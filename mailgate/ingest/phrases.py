"""What mail programs write around the history and below the words of a person, by language (E103-E108).

Everything is casefolded. A language is added here alone.
"""

# ------------------------------------------------- header blocks (E104)

FROM = (
    *("from", "reply-to", "von", "de", "da", "van", "från", "fra", "lähettäjä", "od", "oddi wrth", "de la", "feladó"),
    *("kimden", "gönderen", "από", "от", "від", "šalje", "saatja", "発信者", "差出人", "发件人", "寄件者", "보낸 사람"),
)
DATE = (
    *("sent", "date", "sent on", "date sent", "gesendet", "datum", "envoyé", "envoyé le", "date d'envoi", "enviado"),
    *("enviada", "enviado em", "enviada em", "enviado el", "fecha", "data", "inviato", "verzonden", "skickat", "sendt"),
    *("dato", "lähetetty", "päivämäärä", "päiväys", "wysłano", "wysłane", "odesláno", "odoslané", "dyddiad"),
    *("anfonwyd", "trimis", "elküldve", "küldve", "dátum", "gönderildi", "gönderme tarihi", "tarih", "στάλθηκε"),
    *("ημερομηνία", "отправлено", "дата", "надіслано", "изпратено", "poslano", "送信日時", "日付", "日時"),
    *("发送时间", "日期", "寄件日期", "보낸 날짜", "날짜"),
)
OTHER = (
    *("to", "cc", "bcc", "an", "à", "para", "a", "aan", "till", "til", "vastaanottaja", "do", "komu", "at", "kopie"),
    *("kopia", "kopi", "kopio", "dw", "către", "címzett", "másolatot kap", "kime", "bilgi", "προς", "κοιν.", "кому"),
    *("копия", "копія", "до", "prima", "za", "宛先", "收件人", "收件者", "抄送", "副本", "받는 사람", "참조"),
    *("organization", "importance", "priority", "attachments", "attachment", "anlagen", "vigtighed", "wichtigkeit"),
)
SUBJECT = (
    *("subject", "betreff", "objet", "asunto", "assunto", "oggetto", "onderwerp", "ämne", "emne", "aihe", "temat"),
    *("předmět", "predmet", "pwnc", "testun", "subiect", "tárgy", "konu", "θέμα", "тема", "относно", "件名", "主题"),
    *("主旨", "主題", "제목", "assumpte"),
)

# ----------------------------------------------- attribution lines (E105)

OPENINGS = (
    *("on ", "at ", "am ", "le ", "el ", "il ", "op ", "den ", "em ", "dne ", "dňa ", "dnia ", "w dniu ", "ar ", "pe "),
    *("în ", "a(z) ", "στις ", "στην ", "на ", "vào ", "pada ", "v ", "em data ", "in data ", "no dia ", "dana "),
    *("missatge de ", "wiadomość napisana przez ", "kuupäev ", "在 ", "在", "بتاريخ ", "في ", "בתאריך "),
)
QUOTING = ("quoting ", "zitat von ", "citando ", "citat de ", "quotation from ")
WROTE = (
    *("wrote", "writes", "schrieb", "schreibt", "schrieb folgendes", "a écrit", "écrit", "escribió", "escribe"),
    *("escribio", "escreveu", "ha scritto", "scrive", "schreef", "geschreven", "skrev", "skrev följande", "kirjoitti"),
    *("napisał", "napisała", "napisał(a)", "pisze", "napsal", "napsala", "napsal(a)", "napísal(a)", "napísal"),
    *("ysgrifennodd", "wedi ysgrifennu", "a scris", "írta", "ezt írta", "yazdı", "έγραψε", "написал", "написала"),
    *("написал(а)", "пишет", "пише", "написав", "написа", "napisao je", "napisala", "napisal/a", "va escriure"),
    *(
        "đã viết",
        "menulis",
        "写道",
        "寫道",
        "写了",
        "님이 작성",
        "さんは書きました",
        "さんのメール",
        "wrote in message",
    ),
)
WROTE_INSIDE = (
    *(" wrote ", " schrieb ", " a écrit ", " escribió ", " escreveu ", " ha scritto ", " schreef ", " skrev "),
    *(
        " kirjoitti ",
        " napisał ",
        " napisał(a) ",
        " napsal ",
        " napsal(a) ",
        " ysgrifennodd ",
        " a scris ",
        " ezt írta ",
    ),
    *(" написал ", " пише ", " написа ", " tarihinde ", " napisana przez ", "写道", "寫道", "于", "於"),
)

# ------------------------------------------------------ separators (E105)

ORIGINAL_MESSAGE = (
    *("original message", "original appointment", "reply message", "original-nachricht", "originalnachricht"),
    *("ursprüngliche nachricht", "ursprünglicher termin", "message d'origine", "message original", "mensaje original"),
    *("mensagem original", "messaggio originale", "messaggio originario", "oorspronkelijk bericht"),
    *("oprindelig meddelelse", "original meddelelse", "opprinnelig melding", "original melding"),
    *("ursprungligt meddelande", "originalmeddelande", "alkuperäinen viesti", "wiadomość oryginalna"),
    *("oryginalna wiadomość", "původní zpráva", "pôvodná správa", "neges wreiddiol", "y neges wreiddiol"),
    *("mesaj original", "eredeti üzenet", "özgün ileti", "orijinal mesaj", "αρχικό μήνυμα", "исходное сообщение"),
    *("вихідне повідомлення", "оригинално съобщение", "izvorna poruka", "originalno sporočilo", "missatge original"),
    *("原始邮件", "邮件原件", "原始郵件", "원본 메시지", "元のメッセージ"),
)
ORIGINAL = frozenset((*ORIGINAL_MESSAGE, "original", "original text", "原文"))
FORWARDED = (
    "begin forwarded message",
    *("forwarded message", "forwarded by", "weitergeleitete nachricht", "message transféré", "mensaje reenviado"),
    *("mensagem encaminhada", "messaggio inoltrato", "doorgestuurd bericht", "vidarebefordrat meddelande"),
    *("videresendt besked", "videresendt meddelelse", "videresendt melding", "edelleenlähetetty viesti"),
    *("välitetty viesti", "wiadomość przekazana", "przekazana wiadomość", "přeposlaná zpráva", "preposlaná správa"),
    *("neges wedi'i hanfon ymlaen", "neges a anfonwyd ymlaen", "mesaj redirecționat", "továbbított üzenet"),
    *("iletilen mesaj", "προωθημένο μήνυμα", "пересылаемое сообщение", "переслане повідомлення", "转发的邮件"),
    *("轉寄的郵件", "전달된 메시지", "転送メッセージ", "missatge reenviat"),
)
FORWARD_BEGINS = (  # Apple Mail's, which end in a colon
    *("begin forwarded message", "anfang der weitergeleiteten", "anfang der weitergeleiteten nachricht"),
    *("début du message réexpédié", "début du message transféré", "inicio del mensaje reenviado"),
    *("início da mensagem reencaminhada", "início da mensagem encaminhada", "inizio messaggio inoltrato"),
    *("begin doorgestuurd bericht", "vidarebefordrat brev", "start på videresendt besked", "påbegynt videresendt"),
    *("videresendt melding", "välitetty viesti alkaa", "początek przekazywanej wiadomości"),
    *("začátek přeposlané zprávy", "dechrau neges wedi'i hanfon ymlaen"),
)

# --------------------------------------------------------- footers (E103)

SENT = (
    *("sent from ", "sent via ", "sent with ", "sent using ", "sent by ", "von meinem ", "gesendet von "),
    *("gesendet mit ", "gesendet über ", "diese nachricht wurde von meinem ", "envoyé de ", "envoyé depuis "),
    *("envoyé à partir de ", "envoyé avec ", "envoyé via ", "enviado desde ", "enviado con ", "enviado de "),
    *(
        "enviado do ",
        "enviado a partir d",
        "enviado com ",
        "enviado via ",
        "enviada do ",
        "inviato da ",
        "inviato dal ",
    ),
    *("inviato con ", "verzonden vanaf ", "verzonden met ", "verzonden van ", "verzonden via ", "verstuurd vanaf "),
    *("verstuurd met ", "skickat från ", "skickat med ", "sendt fra ", "sendt med ", "sendt via ", "lähetetty "),
    *("wysłano z ", "wysłane z ", "odesláno z ", "odesláno pomocí ", "odoslané z ", "anfonwyd o ", "anfonwyd gan "),
    *("trimis de pe ", "trimis din ", "elküldve ", "отправлено с ", "отправлено из ", "надіслано з ", "изпратено от "),
    *("poslano s ", "poslano z ", "στάλθηκε από ", "εστάλη από ", "enviat des d", "发自我的", "來自我的", "傳送自 "),
)
SENT_AT_END = (
    *(" gesendet", " gesendet.", " verzonden", " skickat", " gönderildi", " geschickt", "から送信", "から送信しました"),
    *("傳送", "傳送的", "送出", "发送", "에서 보냄", "보냈습니다"),
)
OUTLOOK = (
    *("get outlook for ", "get [outlook for ", "outlook for ", "hol dir outlook ", "holen sie sich outlook "),
    *("outlook für ", "laden sie outlook ", "télécharger outlook ", "téléchargez outlook ", "obtenir outlook "),
    *("obtener outlook ", "obtenga outlook ", "obter o outlook ", "obtenha o outlook ", "baixe o outlook "),
    *("scarica outlook ", "ottieni outlook ", "outlook downloaden ", "download outlook ", "outlook voor "),
    *("hämta outlook ", "skaffa outlook ", "hent outlook ", "få outlook ", "hanki outlook", "pobierz outlook "),
    *("pobierz program outlook ", "stáhnout outlook ", "získejte outlook ", "cael outlook ", "lawrlwythwch outlook "),
)
MY = frozenset(
    (
        *("my", "meinem", "meiner", "meinen", "mon", "ma", "mi", "meu", "minha", "mio", "mia", "mijn", "min", "mitt"),
        *("mojego", "mojej", "mého", "mojí", "fy", "моего"),
    )
)
DEVICES = (
    *(
        "phone",
        "iphon",
        "ipad",
        "ipod",
        "android",
        "mobil",
        "handy",
        "telefon",
        "téléphone",
        "teléfono",
        "puhelin",
        "tablet",
    ),
    *("device", "samsung", "galaxy", "htc", "huawei", "xiaomi", "redmi", "oneplus", "nokia", "lumia", "pixel"),
    *("sony", "xperia", "blackberry", "windows", "outlook", "yahoo", "gmail", "gmx", "web.de", "t-online", "aol"),
    *(
        "mailbox",
        "airmail",
        "sparrow",
        "spark",
        "typeapp",
        "bluemail",
        "aqua mail",
        "nine",
        "thunderbird",
        "proton",
        "k-9",
    ),
    *("fairemail", "apple", "mac", "ios", "smartphone", "microsoft", "zimbra", "superhuman", "mail.ru", "yandex"),
)
EXCUSES = ("excuse", "forgive", "pardon", "brevity", "brief", "typo", "apolog", "sorry", "autocorrect", "entschuldig")
CHECKED = (
    *("virus-free", "this email has been checked for viruses", "this email has been scanned", "virenfrei"),
    *("diese e-mail wurde von avast", "diese e-mail wurde auf viren", "garanti sans virus", "libre de virus"),
    *("cet e-mail a été vérifié", "l'absence de virus dans ce courrier", "privo di virus", "virusvrij"),
)

# ------------------------------------------------------ signatures (E108)

# None in English: people there put the facts of their request below "Many thanks", as often as a name.
CLOSINGS = frozenset(
    (
        *("mit freundlichen grussen", "mit freundlichem gruss", "freundliche grusse", "mit besten grussen", "mfg"),
        *("beste grusse", "viele grusse", "liebe grusse", "herzliche grusse", "mit freundlichen gruessen", "lg", "vg"),
        *(
            "viele gruesse",
            "beste gruesse",
            "liebe gruesse",
            "schone grusse",
            "freundliche gruesse",
            "hochachtungsvoll",
        ),
        *("cordialement", "bien cordialement", "tres cordialement", "sinceres salutations", "bien a vous"),
        *("salutations distinguees", "meilleures salutations", "amicalement", "cdlt", "atentamente", "saludos"),
        *("un saludo", "saludos cordiales", "un cordial saludo", "muchos saludos", "cordiales saludos"),
        *("atenciosamente", "cumprimentos", "com os melhores cumprimentos", "melhores cumprimentos", "abracos"),
        *("cordiali saluti", "distinti saluti", "saluti", "un saluto", "cordialmente", "met vriendelijke groet"),
        *("met vriendelijke groeten", "met hartelijke groet", "vriendelijke groeten", "hartelijke groet", "groeten"),
        *("groet", "mvg", "mvrgr", "med vanliga halsningar", "med vanlig halsning", "vanliga halsningar"),
        *("vanlig halsning", "basta halsningar", "halsningar", "mvh", "bh", "med venlig hilsen", "venlig hilsen"),
        *("med venlige hilsner", "venlige hilsner", "de bedste hilsner", "bedste hilsner", "hilsen", "hilsner", "kh"),
        *("med vennlig hilsen", "vennlig hilsen", "med hilsen", "beste hilsen", "ystavallisin terveisin"),
        *("parhain terveisin", "terveisin", "yt", "z powazaniem", "z wyrazami szacunku", "pozdrawiam"),
        *("serdecznie pozdrawiam", "pozdrowienia", "s pozdravem", "s uctou", "s pozdravom", "cofion"),
        *("cofion gorau", "cofion cynnes", "yn gywir", "yr eiddoch yn gywir", "yn ddiffuant", "dymuniadau gorau"),
    )
)
LISTS = (
    *("mailing list", "mailing-list", "mailman", "listinfo", "unsubscribe", "subscribed", "google groups"),
    *("mailingliste", "liste de diffusion", "lista de correo", "lista de distribución", "abbestellen", "désabonner"),
)

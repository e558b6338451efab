package explain

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What stands between a word and its number: blanks, of any width, and marks, of any width.
const (
	blanks = " \t\r\n\u00a0\u202f\u3000"
	marks  = ":=#：＝"
)

// errorWord reports whether before ends with a word that makes the number behind it a code: "error", "error code:", and the same in
// other languages of Windows. It returns where the word begins.
func errorWord(before string) (start int, ok bool) {
	rest := trimMarks(before)
	if !endsInLetter(rest) {
		return 0, false
	}
	for _, second := range []string{
		"", "code", "kode", "kod", "number", "nr.", "コード", "代码", "代碼", "码", "碼", "코드", "système", "de sistema", "di sistema",
		"do sistema", "системы",
	} {
		head, found := cutSuffixFold(rest, second)
		if !found {
			continue
		}
		head = strings.TrimRight(head, blanks)
		for _, word := range errorWords() {
			if what, found := cutSuffixFold(head, word); found && !endsInWord(what, word) {
				return len(before) - len(tailOf(before)) + len(what), !otherError(what)
			}
		}
	}
	return 0, false
}

// trimMarks cuts what may stand between a word and its number off the end of before, of which the last bytes are enough. One line
// break may be there, as consoles make it.
func trimMarks(before string) string {
	end := tailOf(before)
	rest := strings.TrimRight(strings.TrimRight(strings.TrimRight(end, blanks), marks), blanks)
	if strings.Count(end[len(rest):], "\n") > 1 {
		return ""
	}
	return rest
}

// endsInLetter reports whether s ends as a word may: with a letter, a character that is not ASCII, or the dot of "nr.".
func endsInLetter(s string) bool {
	return s != "" && (isLetter(s[len(s)-1]) || s[len(s)-1] >= utf8.RuneSelf || s[len(s)-1] == '.')
}

// tailOf returns the end of before in which the words that matter stand.
func tailOf(before string) string {
	const longest = 96
	return before[max(len(before)-longest, 0):]
}

// errorWords returns the words for error in languages of Windows, as they stand before a number.
func errorWords() []string {
	return []string{
		"error", "fehler", "systemfehler", "erreur", "errore", "erro", "fout", "fejl", "feil", "fel", "błąd", "błędu", "ошибка", "ошибки",
		"エラー", "错误", "錯誤", "오류",
	}
}

// otherError reports whether before, what stands before the word error, says that its numbers are not those of Windows.
func otherError(before string) bool {
	word, rest := lastWord(before)
	if word == "server" {
		word, _ = lastWord(rest)
	}
	return strings.HasPrefix(word, "http") || slices.Contains([]string{"sql", "mysql", "oracle", "odbc", "smtp", "ftp", "curl"}, word)
}

// numberName reports whether before ends with the name of a property or column that has numbers of a kind: MessageID, Event ID,
// ReturnValue, CIM status; in prose, a list, XML or JSON. It returns where the name begins.
func numberName(before string) (kind Kind, start int, ok bool) {
	end := tailOf(before)
	offset := len(before) - len(end)
	if tag, ok := strings.CutSuffix(strings.TrimRight(end, blanks), ">"); ok {
		kind, at, ok := tagName(tag)
		return kind, offset + at, ok
	}
	rest := strings.TrimRight(trimMarks(strings.TrimRight(end, `"'`)), blanks)
	unquoted, quoted := strings.CutSuffix(rest, `"`)
	if !endsInLetter(unquoted) {
		return "", 0, false
	}
	marked := strings.ContainsAny(end[len(rest):], marks)
	for _, n := range numberNames() {
		head, found := cutSuffixFold(unquoted, n.name)
		if !found || endsInWord(head, n.name) {
			continue
		}
		key := marked && (quoted && strings.HasSuffix(head, `"`) || beginsLine(head, offset))
		if n.name == "id" && !key {
			continue // of a process, a disk, …
		}
		return n.kind, offset + len(head), true
	}
	return "", 0, false
}

// beginsLine reports whether what follows head, which begins at offset of its text, is the first word of a line.
func beginsLine(head string, offset int) bool {
	head = strings.TrimRight(head, " \t")
	return strings.HasSuffix(head, "\n") || head == "" && offset == 0
}

// tagName returns the kind of number that an XML element has, and where its name begins in tag, what stands before its >.
func tagName(tag string) (kind Kind, start int, ok bool) {
	start = strings.LastIndexByte(tag, '<') + 1
	name, _, _ := strings.Cut(tag[start:], " ")
	local := strings.LastIndexByte(name, ':') + 1
	for _, n := range numberNames() {
		if n.name != "id" && strings.EqualFold(name[local:], n.name) {
			return n.kind, start + local, true
		}
	}
	return "", 0, false
}

// A namedKind is the name of a number and its kind.
type namedKind struct {
	name string
	kind Kind
}

// numberNames returns what [numberName] knows. A name that ends with another stands before it.
func numberNames() []namedKind {
	return []namedKind{
		{"messageid", KindEvent},
		{"message id", KindEvent},
		{"eventid", KindEvent},
		{"event id", KindEvent},
		{"event-id", KindEvent},
		{"eventcode", KindEvent},
		{"event", KindEvent},
		{"ereignis-id", KindEvent},
		{"ereignis", KindEvent},
		{"événement", KindEvent},
		{"evento", KindEvent},
		{"イベント id", KindEvent},
		{"事件 id", KindEvent},
		{"id", KindEvent},
		{"returnvalue", KindReturnValue},
		{"return value", KindReturnValue},
		{"cimstatuscode", KindCIM},
		{"cim status code", KindCIM},
		{"cim status", KindCIM},
	}
}

// endsInWord reports whether before, what stands before word, makes it the end of a longer word, as in terror.
func endsInWord(before, word string) bool {
	r, _ := utf8.DecodeLastRuneInString(before)
	first, _ := utf8.DecodeRuneInString(word)
	return first < firstCJK && r < firstCJK && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_')
}

// cutSuffixFold is [strings.CutSuffix] in any case of letters.
func cutSuffixFold(s, suffix string) (before string, found bool) {
	n := len(s) - len(suffix)
	switch {
	case n < 0:
		return s, false
	case suffix != "" && suffix[len(suffix)-1] < utf8.RuneSelf && s[len(s)-1]|0x20 != suffix[len(suffix)-1]|0x20:
		return s, false // as most are
	case !strings.EqualFold(s[n:], suffix):
		return s, false
	}
	return s[:n], true
}

// notCode reports whether the words around a bare number say that it is something else, such as a size or a serial number.
func notCode(before, after string) bool {
	word, rest := lastWord(before)
	id := false
	for range 3 {
		switch word {
		case "number", "no", "nr", "is", "of", "id":
			id = id || word == "id"
			word, rest = lastWord(rest)
		}
	}
	if strings.Contains(word, "://") {
		return true // within a URL
	}
	switch word {
	case "serial", "s/n", "sn", "size", "filesize", "length", "freespace", "memory", "bytes", "offset", "pid", "tid", "process",
		"processid", "thread", "threadid", "logon", "logonid", "-li", "record", "recordid", "recordnumber", "build", "version", "rev",
		"revision", "commit", "tel", "phone", "fax", "date", "hash", "checksum", "crc", "crc32", "signature", "diskid", "lun",
		"uuid", "guid", "sector", "block", "address", "at", "flag", "flags", "mask", "accessmask", "attribute", "attributes", "port", "handle", "bugcheck":
		return true
	case "disk":
		return id || counted(after)
	case "check":
		word, _ = lastWord(rest)
		return word == "bug" || counted(after)
	}
	return counted(after)
}

// lastWord returns the last word of text in lower case, and what is before it.
func lastWord(text string) (word, rest string) {
	text = strings.TrimRight(tailOf(text), " \t.:=#")
	i := strings.LastIndexAny(text, " \t\r\n(,;\"'[{<>")
	return strings.ToLower(text[i+1:]), text[:i+1]
}

// item reports whether after, what stands behind a number that begins a line, makes it the number of an item of a list.
func item(after string) bool {
	return len(after) > 1 && (after[0] == '.' || after[0] == ')') && after[1] == ' '
}

// counted reports whether what follows a number says that it counts or measures: bytes, percent, of 3, times.
func counted(after string) bool {
	const longest = 40
	after = strings.TrimLeft(after[:min(len(after), longest)], " \t")
	i := strings.IndexFunc(after, func(r rune) bool { return !unicode.IsLetter(r) })
	if i < 0 {
		i = len(after)
	}
	unit, rest := after[:i], after[i:]
	if strings.HasPrefix(rest, "'") || strings.HasPrefix(rest, "’") {
		return false // of a word in another language: s’est
	}
	switch strings.ToLower(unit) {
	case "":
		return strings.HasPrefix(after, "%")
	case "b", "byte", "bytes", "kb", "mb", "gb", "tb", "kib", "mib", "gib", "tib", "octets", "octet", "sectors", "blocks", "clusters",
		"ns", "us", "ms", "s", "sec", "second", "seconds", "minute", "minutes", "min", "hour", "hours", "day", "days", "ticks", "times",
		"sekunden", "minuten", "stunden", "secondes", "percent", "prozent", "of",
		"vms", "hosts", "nodes", "machines", "files", "errors", "warnings", "items", "jobs", "disks", "migrations", "services", "users",
		"objects", "entries", "failures", "attempts", "retries", "requests", "connections", "volumes":
		return true
	case "von", "van", "sur", "de", "di", "su", "av", "af", "z", "из":
		rest = strings.TrimLeft(rest, blanks)
		return rest != "" && isDigit(rest[0])
	}
	return strings.HasPrefix(unit, "バイト")
}

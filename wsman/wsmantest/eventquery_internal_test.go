// An internal test: queries reach the package as parts of a FilterXml or of a command line, which would hide what they are.

package wsmantest

import (
	"slices"
	"strings"
	"testing"
	"time"
)

var queryNow = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

// queryRecords are three events: an error of an hour ago, a warning of a minute ago, and an information of the next minute.
func queryRecords() []record {
	event := func(id uint32, level uint8, number uint64, provider string, after time.Duration) record {
		return record{LogEvent: &LogEvent{ID: id}, level: level, id: number, provider: provider, time: queryNow.Add(after)}
	}
	return []record{
		event(21024, 2, 7, "A", -time.Hour), event(20417, 3, 8, "B", -time.Minute), event(20415, 4, 18446744073709551615, "C", time.Minute),
	}
}

// TestCompileEventQuery selects with everything that is simulated, and refuses the rest with the number that Windows has for it.
func TestCompileEventQuery(t *testing.T) {
	t.Parallel()
	tests := []struct {
		xpath string
		code  uint32
		want  []uint32 // event ids
	}{
		{"*", 0, []uint32{21024, 20417, 20415}},
		{"Event", 0, []uint32{21024, 20417, 20415}},
		{" *\n[\tSystem [ Level = 2 ] ] ", 0, []uint32{21024}},
		{"Event[System[Level=2]]", 0, []uint32{21024}},
		{"*[System[Level!=2]]", 0, []uint32{20417, 20415}},
		{"*[System[Level<3]]", 0, []uint32{21024}},
		{"*[System[Level<=3]]", 0, []uint32{21024, 20417}},
		{"*[System[Level>3]]", 0, []uint32{20415}},
		{"*[System[Level>=3]]", 0, []uint32{20417, 20415}},
		{"*[System[(Level=2 or Level=4)]]", 0, []uint32{21024, 20415}},
		{"*[System[Level=1 or Level=3 and EventID=20417]]", 0, []uint32{20417}},
		{"*[System[Level=2 or Level=3 and EventID=1]]", 0, []uint32{21024}},
		{"*[System[(Level=2 or Level=3) and EventID=1]]", 0, nil},
		{"*[System[EventRecordID=18446744073709551615]]", 0, []uint32{20415}},
		{"*[System[Provider[@Name='A' or @Name=\"C\"]]]", 0, []uint32{21024, 20415}},
		{"*[System[Provider[@Name!='A']]]", 0, []uint32{20417, 20415}},
		{"*[System[Provider[@Name='a']]]", 0, nil},
		{"*[System[TimeCreated[timediff(@SystemTime) <= 60000]]]", 0, []uint32{20417, 20415}},
		{"*[System[TimeCreated[timediff(@SystemTime) < 60000]]]", 0, []uint32{20415}},
		{"*[System[TimeCreated[timediff(@SystemTime) >= 9223372036854775807]]]", 0, nil},
		{"*[System[TimeCreated[@SystemTime>='2026-11-20T07:59:00.0000000Z']]]", 0, []uint32{20417, 20415}},
		{"*[System[TimeCreated[@SystemTime>='2026-11-20T07:00:00Z' and @SystemTime<'2026-11-20T08:00:00.000000000Z']]]", 0, []uint32{21024, 20417}},
		{"*[System[Provider[@Name='A']] or System[Level=3]]", 0, []uint32{21024, 20417}},
		{"*[System[" + strings.Repeat("Level=2 or ", 19) + "Level=3]]", 0, []uint32{21024, 20417}},

		{"*[System[" + strings.Repeat("Level=2 or ", 20) + "Level=3]]", 15026, nil},
		{"*[System[" + strings.Repeat("(", 100) + "Level=2" + strings.Repeat(")", 100) + "]]", 15026, nil},
		{"*[System[Level=2]]" + strings.Repeat(" ", 1<<14), 15026, nil},
		{"", 15001, nil},
		{"**", 15001, nil},
		{"System[Level=2]", 15001, nil},
		{"*[]", 15001, nil},
		{"*[Level=2]", 15001, nil},
		{"*[System]", 15001, nil},
		{"*[System[]]", 15001, nil},
		{"*[System[Level=2]", 15001, nil},
		{"*[System[(Level=2]]", 15001, nil},
		{"*[System[Level=2]]]", 15001, nil},
		{"*[System[Level=2 and]]", 15001, nil},
		{"*[System[Level=2 Level=3]]", 15001, nil},
		{"*[System[Level]]", 15001, nil},
		{"*[System[Level=='2']]", 15001, nil},
		{"*[System[Level='2']]", 15001, nil},
		{"*[System[Level=-1]]", 15001, nil},
		{"*[System[Level=18446744073709551616]]", 15001, nil},
		{"*[System[Task=1]]", 15001, nil},
		{"*[System[Provider='A']]", 15001, nil},
		{"*[System[Provider[@Guid='A']]]", 15001, nil},
		{"*[System[Provider[@Name='A]]]", 15001, nil},
		{"*[System[Provider[@Name=A]]]", 15001, nil},
		{"*[System[Provider[@Name<'A']]]", 15001, nil},
		{"*[System[TimeCreated[@SystemTime>='yesterday']]]", 15001, nil},
		{"*[System[TimeCreated[@SystemTime>=2026]]]", 15001, nil},
		{"*[System[TimeCreated[timediff(@SystemTime)]]]", 15001, nil},
		{"*[System[TimeCreated[timediff(@SystemTime, now) <= 1]]]", 15001, nil},
		{"*[System[TimeCreated[timediff(@SystemTime) <= 9223372036854775808]]]", 15001, nil},
		{"*[UserData[VmlEventLog[(VmId='A')]]]", 15001, nil},
		{"*[System[Löwe=2]]", 15001, nil},
	}
	for _, tt := range tests {
		q, code := compileEventQuery(tt.xpath)
		if code != tt.code || (q == nil) != (code != 0) {
			t.Errorf("compileEventQuery(%.80q) = %v, %d; want code %d", tt.xpath, q, code, tt.code)
			continue
		}
		if q == nil {
			continue
		}
		var got []uint32
		for _, r := range queryRecords() {
			if q.matches(&r, queryNow) {
				got = append(got, r.ID)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%.80q matches %v, want %v", tt.xpath, got, tt.want)
		}
	}
}

// TestParseQueryList reads structured queries.
func TestParseQueryList(t *testing.T) {
	t.Parallel()
	const one = `<Select Path="A">*[System[Level=2]]</Select>`
	many := "*[System[" + strings.Repeat("Level=2 or ", 31) + "Level=3]]"
	tests := []struct {
		text string
		code uint32
		want []string // each channel, and how many queries there are of it
	}{
		{`<QueryList><Query Id="0" Path="A">` + one + `</Query></QueryList>`, 0, []string{"A"}},
		{`<QueryList><Query Id="0" Path="A"><Select>*</Select></Query></QueryList>`, 0, []string{"A"}},
		{`<QueryList><Query Path="Q">` + one + `<Select Path="B">*</Select></Query><Query><Select Path="a">*</Select></Query></QueryList>`, 0, []string{"A", "A", "B"}},
		{`<QueryList><Query><Select Path="A">` + many + `</Select></Query></QueryList>`, 0, []string{"A"}},
		{`<QueryList><Query><Select Path="A">` + strings.Replace(many, "Level=2", "Level=2 or Level=2", 1) + `</Select></Query></QueryList>`, 15026, nil},
		{`<QueryList><Query>` + strings.Repeat(one, 257) + `</Query></QueryList>`, 15026, nil},
		{`<QueryList>` + strings.Repeat(" ", 1<<16) + `</QueryList>`, 15026, nil},
		{``, 15001, nil},
		{`*`, 15001, nil},
		{`<QueryList/>`, 15001, nil},
		{`<QueryList><Query/></QueryList>`, 15001, nil},
		{`<Query>` + one + `</Query>`, 15001, nil},
		{`<q:QueryList xmlns:q="urn:q"><Query>` + one + `</Query></q:QueryList>`, 15001, nil},
		{`<QueryList><Other>` + one + `</Other></QueryList>`, 15001, nil},
		{`<QueryList><Query>` + one + `<Suppress Path="A">*</Suppress></Query></QueryList>`, 15001, nil},
		{`<QueryList><Query><Select Path="A">x</Select></Query></QueryList>`, 15001, nil},
	}
	for _, tt := range tests {
		list, code := parseQueryList(tt.text)
		var got []string
		for _, q := range list {
			for range q.queries {
				got = append(got, q.channel)
			}
		}
		if code != tt.code || !slices.Equal(got, tt.want) {
			t.Errorf("parseQueryList(%.80q) = %v, %d; want %v, %d", tt.text, got, code, tt.want, tt.code)
		}
	}
}

// FuzzCompileEventQuery compiles any text: either a query that can be asked, or one of two codes.
func FuzzCompileEventQuery(f *testing.F) {
	f.Add("*[System[Provider[@Name='A' or @Name=\"C\"] and (Level=2 or EventRecordID>=7) and TimeCreated[timediff(@SystemTime) <= 60000]]]")
	f.Add("*[System[TimeCreated[@SystemTime>='2026-11-20T07:59:00.0000000Z']]]")
	f.Add("*[System[((((Level!=2)))]]")
	f.Add("Event[System['\"]]")
	f.Fuzz(func(t *testing.T, xpath string) {
		q, code := compileEventQuery(xpath)
		if (q == nil) != (code == errorInvalidQuery || code == errorQueryTooComplex) || (q != nil) != (code == 0) {
			t.Fatalf("compileEventQuery(%q) = %v, %d", xpath, q, code)
		}
		if q == nil {
			return
		}
		for _, r := range queryRecords() {
			q.matches(&r, queryNow)
		}
	})
}

// FuzzQueryList reads any text as a structured query.
func FuzzQueryList(f *testing.F) {
	f.Add(`<QueryList><Query Id="0" Path="A"><Select Path="A">*[System[Level=2]]</Select></Query></QueryList>`)
	f.Add(`<?xml version="1.0"?><QueryList><Query Path="A"><Select>*</Select><Select Path="B">*</Select></Query></QueryList>`)
	f.Add(`<QueryList><Query><Suppress/></Query></QueryList>`)
	f.Fuzz(func(t *testing.T, text string) {
		list, code := parseQueryList(text)
		if (len(list) == 0) != (code != 0) {
			t.Fatalf("parseQueryList(%q) = %v, %d", text, list, code)
		}
	})
}

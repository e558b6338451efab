// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/watch"
)

// bar returns a job that has run for 42 seconds at noon.
func bar(vm, from, to string, percent int64) *jobBar {
	return &jobBar{vm: vm, from: from, to: to, percent: fmt.Sprintf("%d%%", percent), done: percent, started: noon.Add(-42 * time.Second)}
}

// TestBarLine holds the line of a job at the widths of terminals: each part at its place, names cut, never too wide.
func TestBarLine(t *testing.T) {
	long := bar(strings.Repeat("mail-server-", 9), "hv01.fabric.corp.example.com", "hv02.fabric.corp.example.com", 100)
	hosts := bar("web-01", "hv01.fabric.corp.example.com", "hv02.fabric.corp.example.com", 100)
	addresses := bar("web-01", "192.0.2.1:5985", "2001:db8::2", 47)
	noRoom := bar(strings.Repeat("mail-server-", 9), strings.Repeat("hv-", 9)+"01", strings.Repeat("hv-", 9)+"02", 100)
	lost := bar("web-01", "HV01", "HV02", 47)
	lost.lost = true
	unknown := bar("web-01", "HV01", "", 0)
	unknown.percent = "?%"
	old := bar("web-01", "HV01", "HV02", 5)
	old.started = noon.Add(-75 * time.Hour)
	for _, tt := range []struct {
		name  string
		bar   *jobBar
		width int
		want  string
	}{
		{"80", bar("web-01", "HV01", "HV02", 47), 79, "web-01              HV01 → HV02                 [#######-------]   47%     0:42"},
		{"120", bar("web-01", "HV01", "HV02", 47), 119, "web-01                          HV01 → HV02                                   [###########-------------]   47%     0:42"},
		{"40", bar("web-01", "HV01", "HV02", 47), 39, "web-01     HV01 → HV02     47%     0:42"},
		{"20", bar("web-01", "HV01", "HV02", 47), 19, "web-01          47%"},
		{"domains", long, 79, "mail-server-mail-…  hv01 → hv02                 [##############]  100%     0:42"},
		{"domains, 160", hosts, 159, "web-01                                    hv01.fabric.corp.example.com → hv02.fabric.corp.example.com   [############################]  100%     0:42"},
		{"addresses", addresses, 79, "web-01              192.0.2.1:5… → 2001:db8::2  [#######-------]   47%     0:42"},
		{"long names", noRoom, 79, "mail-server-mail-…  hv-hv-hv-h… → hv-hv-hv-hv…  [##############]  100%     0:42"},
		{"long names, 40", noRoom, 39, "mail-ser…  hv-h… → hv-h…  100%     0:42"},
		{"wide letters", bar("仮想マシン仮想マシン", "仮想", "ホスト", 0), 79, "仮想マシン仮想マ…   仮想 → ホスト               [--------------]    0%     0:42"},
		{"lost", lost, 79, "web-01              HV01 → HV02                 [#######-------]   47%     lost"},
		{"no destination, no percentage", unknown, 79, "web-01              HV01                        [--------------]    ?%     0:42"},
		{"days", old, 79, "web-01              HV01 → HV02                 [#-------------]    5%    3d03h"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.bar.line(tt.width, noon)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestScreenWidth: at any size nothing is wider or higher than the terminal, whatever names hosts have.
func TestScreenWidth(t *testing.T) {
	s := &screen{status: hostStatus{hosts: 50, waiting: 2, lost: []string{"hv07", "仮想マシン.example.com"}, refused: []string{"hv09"}, failure: noon}}
	for i := range 40 {
		s.bars = append(s.bars, bar(strings.Repeat("仮想e\u0301", i), strings.Repeat("h", 3*i), strings.Repeat("マ", i), int64(i)))
	}
	s.bars[3].percent = "65535%"
	for columns := 1; columns <= 200; columns++ {
		for rows := 1; rows <= 60; rows += 3 {
			lines := s.lines(columns, rows, noon)
			if len(lines) > max(rows-2, 2) {
				t.Fatalf("%d×%d: %d lines", columns, rows, len(lines))
			}
			for _, l := range lines {
				if cells(l) > columns-1 {
					t.Fatalf("%d×%d: %d columns: %q", columns, rows, cells(l), l)
				}
			}
		}
	}
}

// TestScreenLines: bars as there is room for, the number of the others, and the line about hosts.
func TestScreenLines(t *testing.T) {
	s := &screen{status: hostStatus{hosts: 50}}
	if diff := cmp.Diff([]string{"50 hosts; no job runs"}, s.lines(80, 24, noon)); diff != "" {
		t.Error(diff)
	}
	for i := range 40 {
		s.bars = append(s.bars, bar(fmt.Sprintf("vm-%02d", i), "HV01", "HV02", 10))
	}
	lines := s.lines(80, 24, noon)
	if len(lines) != 22 || !strings.HasPrefix(lines[19], "vm-19") || lines[20] != "and 20 more run" || lines[21] != "50 hosts; 40 jobs run" {
		t.Errorf("%d lines:\n%s", len(lines), strings.Join(lines, "\n"))
	}
	if lines := s.lines(40, 12, noon); len(lines) != 10 || lines[8] != "and 32 more run" {
		t.Errorf("%d lines:\n%s", len(lines), strings.Join(lines, "\n"))
	}
}

// TestStatusLine holds the line about the hosts.
func TestStatusLine(t *testing.T) {
	at := time.Date(2026, time.March, 4, 12, 3, 11, 0, time.Local)
	many := []string{"hv07", "hv09", "hv11", "hv12", "hv13", "hv14", "hv15", "hv16"}
	for _, tt := range []struct {
		name    string
		status  hostStatus
		width   int
		running int
		want    string
	}{
		{"nothing", hostStatus{hosts: 1}, 79, 0, "1 host; no job runs"},
		{"one", hostStatus{hosts: 1}, 79, 1, "1 host; 1 job runs"},
		{"beginning", hostStatus{hosts: 50, waiting: 50}, 79, 0, "50 hosts, 50 not heard of yet; no job runs"},
		{"lost", hostStatus{hosts: 50, lost: many[:3], failure: at}, 79, 3, "50 hosts, 3 lost: hv07, hv09, hv11; 3 jobs run; last failure 12:03:11"},
		{"lost, 70", hostStatus{hosts: 50, lost: many[:3], failure: at}, 68, 3, "50 hosts, 3 lost: hv07, hv09 …; 3 jobs run; last failure 12:03:11"},
		{"lost and refused", hostStatus{hosts: 50, lost: many[:2], refused: many[2:]}, 79, 0, "50 hosts, 2 lost: hv07, hv09, 6 given up: hv11, hv12, hv13, hv14 …; no job runs"},
		{"narrow", hostStatus{hosts: 50, lost: many[:3], failure: at}, 39, 3, "50 hosts, 3 lost: hv07 …; 3 jobs run"},
		{"narrower", hostStatus{hosts: 50, lost: many[:3], failure: at}, 19, 3, "50 hosts, 3 lost; …"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.status.line(tt.width, tt.running)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestScreenTake: events put bars up, move them and take them away.
func TestScreenTake(t *testing.T) {
	host := &watch.Host{Name: "HV01", Key: "hv01"}
	job := func(id string, percent uint16) *invoke.MigrationJob {
		j := invoke.NewJob(id)
		j.PercentComplete = &percent
		j.DestinationHost = new("HV\x1b[2J02")
		j.StartTime = new(noon.Add(-time.Minute))
		j.Instance.Date = noon
		return j
	}
	var s screen
	our := noon.Add(400 * 24 * time.Hour) // no host's clock is ours
	take := func(kind watch.Kind, j *invoke.MigrationJob) {
		s.take(&watch.Event{Kind: kind, Time: our, Host: host, Job: j, VM: "web\u202e01"}, "HV01")
	}
	take(watch.JobNew, job("A", 1))
	take(watch.JobNew, job("B", 2))
	take(watch.JobProgress, job("{a}", 47))
	take(watch.HostLost, nil)
	want := []string{
		`web\u{202E}01       HV01 → HV\u{1B}[2J02        [#######-------]   47%     lost`,
		`web\u{202E}01       HV01 → HV\u{1B}[2J02        [--------------]    2%     lost`,
		"0 hosts; 2 jobs run",
	}
	if diff := cmp.Diff(want, s.lines(80, 24, our)); diff != "" {
		t.Error(diff)
	}
	take(watch.HostBack, nil)
	take(watch.JobFailed, job("A", 47))
	if got := s.lines(80, 24, our)[0]; !strings.HasSuffix(got, "1:00") {
		t.Errorf("a job that has run for a minute: %q", got)
	}
	take(watch.JobGone, job("B", 2))
	if diff := cmp.Diff([]string{"0 hosts; no job runs; last failure " + our.Local().Format("15:04:05")}, s.lines(80, 24, our)); diff != "" {
		t.Error(diff)
	}
}

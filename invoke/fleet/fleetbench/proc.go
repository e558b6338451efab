package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// clocks are the CPU times of a process and of everything on the machine since it started.
type clocks struct{ process, machine time.Duration }

// cpu returns what the simulator has taken so far, if the system tells: Linux does.
func (s *simulator) cpu() (clocks, bool) {
	process, err1 := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	machine, err2 := os.ReadFile("/proc/stat")
	if err1 != nil || err2 != nil {
		return clocks{}, false
	}
	return parseClocks(string(process), string(machine))
}

// parseClocks reads /proc/PID/stat and /proc/stat, see proc(5). Of a process, fields 14 and 15 are its time; the second, the name of the
// program, is in parentheses and may hold anything. Of the machine, the first line counts user, nice, system, idle, iowait, irq, softirq
// and steal: idle and iowait are not busy, and steal is another machine's.
func parseClocks(process, machine string) (clocks, bool) {
	fields := strings.Fields(process[strings.LastIndexByte(process, ')')+1:])
	line, _, _ := strings.Cut(machine, "\n")
	all := strings.Fields(line)
	if len(fields) < 13 || len(all) < 8 || all[0] != "cpu" {
		return clocks{}, false
	}
	p, ok1 := ticks(fields[11], fields[12])
	m, ok2 := ticks(all[1], all[2], all[3], all[6], all[7])
	return clocks{p, m}, ok1 && ok2
}

// ticks adds counts of USER_HZ, which is 100 a second on all that Go runs on.
func ticks(counts ...string) (time.Duration, bool) {
	var sum time.Duration
	for _, count := range counts {
		n, err := strconv.ParseInt(count, 10, 48)
		if err != nil {
			return 0, false
		}
		sum += time.Duration(n) * 10 * time.Millisecond
	}
	return sum, true
}

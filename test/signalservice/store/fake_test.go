package store

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
)

// These two speak as much of the protocols as a pool needs, so that pools and
// breakers can be tested anywhere. What is kept is tested with the real ones,
// in test/e2e.

// accept runs a server until the test ends, and returns its address.
func accept(t *testing.T, talk func(net.Conn)) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				talk(conn)
			}()
		}
	}()
	return listener.Addr().String()
}

// fakePostgres says yes to everything, and has no rows.
func fakePostgres(t *testing.T) string {
	t.Helper()
	address := accept(t, func(conn net.Conn) {
		backend := pgproto3.NewBackend(conn, conn)
		if _, err := backend.ReceiveStartupMessage(); err != nil {
			return
		}
		backend.Send(&pgproto3.AuthenticationOk{})
		backend.Send(&pgproto3.ParameterStatus{Name: "standard_conforming_strings", Value: "on"})
		backend.Send(&pgproto3.ParameterStatus{Name: "client_encoding", Value: "UTF8"})
		for {
			backend.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
			if err := backend.Flush(); err != nil {
				return
			}
			if _, err := backend.Receive(); err != nil {
				return
			}
			backend.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 0")})
		}
	})
	return "postgres://signal@" + address + "/signals?sslmode=disable&default_query_exec_mode=simple_protocol"
}

// fakeRedis keeps hashes.
func fakeRedis(t *testing.T) string {
	t.Helper()
	var mu sync.Mutex
	kept := map[string]string{}
	address := accept(t, func(conn net.Conn) {
		in := bufio.NewReader(conn)
		for {
			words, err := commandOf(in)
			if err != nil {
				return
			}
			mu.Lock()
			answer := "-ERR unknown command\r\n"
			switch strings.ToUpper(words[0]) {
			case "HSET":
				for i := 2; i+1 < len(words); i += 2 {
					kept[words[i]] = words[i+1]
				}
				answer = ":1\r\n"
			case "HVALS":
				answer = fmt.Sprintf("*%d\r\n", len(kept))
				for _, value := range kept {
					answer += fmt.Sprintf("$%d\r\n%s\r\n", len(value), value)
				}
			}
			mu.Unlock()
			if _, err := io.WriteString(conn, answer); err != nil {
				return
			}
		}
	})
	return "redis://" + address + "/0"
}

// commandOf reads a list of words.
func commandOf(in *bufio.Reader) ([]string, error) {
	number := func(sign byte) (int, error) {
		line, err := in.ReadString('\n')
		if err != nil || line[0] != sign {
			return 0, fmt.Errorf("read %q: %w", line, io.ErrUnexpectedEOF)
		}
		return strconv.Atoi(strings.TrimSpace(line[1:]))
	}
	count, err := number('*')
	if err != nil {
		return nil, err
	}
	words := make([]string, count)
	for i := range words {
		length, err := number('$')
		if err != nil {
			return nil, err
		}
		text := make([]byte, length+2)
		if _, err := io.ReadFull(in, text); err != nil {
			return nil, err
		}
		words[i] = string(text[:length])
	}
	return words, nil
}

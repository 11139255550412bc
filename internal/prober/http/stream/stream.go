// Package stream reads messages of streams: of a WebSocket, and server-sent
// events. It reads no more than a mebibyte of one message, and judges nothing.
package stream

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/coder/websocket"
)

// maxMessage is how long a message may be, in bytes.
const maxMessage = 1 << 20

// How a stream ends.
var (
	ErrEnded   = errors.New("the stream has ended")
	ErrTooLong = errors.New("a message is too long")
	ErrRefused = errors.New("the handshake is not one of a WebSocket")
)

// Source gives one message after the other.
type Source interface {
	// Next is the next message; text or not.
	Next(ctx context.Context) ([]byte, error)
	// Close ends the conversation.
	Close()
}

// WebSocket is a conversation.
type WebSocket struct{ conn *websocket.Conn }

// Dial opens a WebSocket with what a GET request says. When that is not
// answered with 101, the answer is there and the WebSocket is not; of its body,
// the first kibibyte can be read.
func Dial(client *http.Client, request *http.Request) (*WebSocket, *http.Response, error) {
	conn, response, err := websocket.Dial(request.Context(), request.URL.String(), &websocket.DialOptions{
		HTTPClient: client, HTTPHeader: request.Header, Host: request.Host,
	})
	switch {
	case err == nil:
		conn.SetReadLimit(maxMessage)
		return &WebSocket{conn}, response, nil
	case response != nil && response.StatusCode != http.StatusSwitchingProtocols:
		return nil, response, nil
	case response != nil:
		return nil, nil, ErrRefused
	}
	return nil, nil, err
}

// Say sends a text.
func (w *WebSocket) Say(ctx context.Context, text string) error {
	return w.conn.Write(ctx, websocket.MessageText, []byte(text))
}

// Next is the next message.
func (w *WebSocket) Next(ctx context.Context) ([]byte, error) {
	_, message, err := w.conn.Read(ctx)
	switch {
	case err == nil:
		return message, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, websocket.ErrMessageTooBig):
		return nil, ErrTooLong
	}
	return nil, errors.Join(ErrEnded, err)
}

// Close says goodbye, and waits for the other side to do so.
func (w *WebSocket) Close() { _ = w.conn.Close(websocket.StatusNormalClosure, "") } // what was asked has been answered

// IsEvents reports whether an answer is a stream of server-sent events.
func IsEvents(header http.Header) bool {
	kind, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(kind), "text/event-stream")
}

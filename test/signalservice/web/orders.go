package web

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"regexp"

	"github.com/signal-delivery/operator/test/signalservice/store"
)

// wanted is an order as clients send it.
type wanted struct {
	Symbol     string  `json:"symbol"`
	Side       string  `json:"side"`
	Quantity   float64 `json:"quantity"`
	CardNumber string  `json:"cardNumber,omitempty"` // to pay with; it is passed on to nobody, and kept nowhere
}

const mostQuantity = 1e6

var (
	symbol = regexp.MustCompile(`^[A-Z]{3,12}$`)
	card   = regexp.MustCompile(`^(\d{12,19})?$`)
)

// order takes what it knows, of a limited size.
func (s *Service) order(w http.ResponseWriter, r *http.Request) int {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" || r.Header.Get("Content-Encoding") != "" {
		return problem(w, http.StatusUnsupportedMediaType, "send application/json that is not packed")
	}
	body, code, text := s.read(w, r)
	if code != 0 {
		return problem(w, code, text)
	}
	if text := body.wrong(); text != "" {
		return problem(w, http.StatusBadRequest, text)
	}
	order := store.Order{ID: rand.Text(), Symbol: body.Symbol, Side: body.Side, Quantity: body.Quantity}
	if err := s.store.Place(r.Context(), order); err != nil {
		w.Header().Set("Retry-After", "1")
		return problem(w, http.StatusServiceUnavailable, "orders are not taken for now")
	}
	return write(w, http.StatusCreated, order)
}

// read is the body, or what to answer.
func (s *Service) read(w http.ResponseWriter, r *http.Request) (body wanted, code int, text string) {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, s.settings.MaxBodyBytes))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&body)
	if err == nil {
		if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
			err = more
			if err == nil {
				err = errors.New("there is more than one value")
			}
		}
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return body, http.StatusRequestEntityTooLarge, "the body is too large"
	case err != nil:
		return body, http.StatusBadRequest, "the body is no order: send symbol, side and quantity as JSON"
	}
	return body, 0, ""
}

// wrong says which field cannot be.
func (o wanted) wrong() string {
	switch {
	case !symbol.MatchString(o.Symbol):
		return "symbol must be 3 to 12 capital letters"
	case o.Side != "buy" && o.Side != "sell":
		return "side must be buy or sell"
	case !(o.Quantity > 0 && o.Quantity <= mostQuantity):
		return "quantity must be more than 0 and at most 1000000"
	case !card.MatchString(o.CardNumber):
		return "cardNumber must be 12 to 19 digits"
	}
	return ""
}

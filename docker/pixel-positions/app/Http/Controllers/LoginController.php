<?php

namespace App\Http\Controllers;

use Illuminate\Http\Request;
use Illuminate\Support\Facades\Auth;
use Illuminate\Support\Facades\RateLimiter;
use Illuminate\Validation\ValidationException;

class LoginController extends Controller
{
    /** Wrong passwords allowed per address and account in a minute. */
    private const ATTEMPTS = 5;

    public function create()
    {
        return view('auth.login');
    }

    public function store(Request $request)
    {
        $credentials = $request->validate([
            'email' => ['required', 'string', 'email'],
            'password' => ['required', 'string'],
        ]);
        $credentials['email'] = mb_strtolower($credentials['email']);

        $key = 'login:'.sha1($credentials['email'].'|'.$request->ip());

        if (RateLimiter::tooManyAttempts($key, self::ATTEMPTS)) {
            $this->refuse('Too many attempts. Try again in '.RateLimiter::availableIn($key).' seconds.', 429);
        }

        if (! Auth::attempt($credentials, $request->boolean('remember'))) {
            RateLimiter::hit($key);
            $this->refuse('These details do not match an account.');
        }

        RateLimiter::clear($key);
        $request->session()->regenerate();

        return redirect()->intended(route('home', [], false))->with('status', 'Welcome back, '.Auth::user()->name.'.');
    }

    public function destroy(Request $request)
    {
        Auth::logout();

        $request->session()->invalidate();
        $request->session()->regenerateToken();

        return redirect()->route('home')->with('status', 'You are logged out. See you soon.');
    }

    private function refuse(string $reason, int $status = 422): void
    {
        throw ValidationException::withMessages(['email' => $reason])->status($status);
    }
}

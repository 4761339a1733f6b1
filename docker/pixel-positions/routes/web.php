<?php

use App\Http\Controllers\DownloadController;
use App\Http\Controllers\LoginController;
use App\Http\Controllers\NotificationController;
use App\Http\Controllers\PositionController;
use App\Http\Controllers\RegistrationController;
use Illuminate\Support\Facades\Route;

Route::middleware('guest')->group(function (): void {
    Route::get('/register', [RegistrationController::class, 'create'])->name('register');
    Route::post('/register', [RegistrationController::class, 'store']);
    Route::get('/login', [LoginController::class, 'create'])->name('login');
    Route::post('/login', [LoginController::class, 'store']);
});

Route::middleware('auth')->group(function (): void {
    Route::post('/logout', [LoginController::class, 'destroy'])->name('logout');

    Route::get('/jobs/create', [PositionController::class, 'create'])->name('positions.create');
    Route::post('/jobs', [PositionController::class, 'store'])->name('positions.store');
    Route::delete('/jobs/{position:slug}', [PositionController::class, 'destroy'])->name('positions.destroy');
    Route::get('/account', [PositionController::class, 'mine'])->name('account');

    Route::get('/notifications', [NotificationController::class, 'index'])->name('notifications');
    Route::post('/notifications/read', [NotificationController::class, 'readAll'])->name('notifications.read');

    Route::get('/downloads/{file}', [DownloadController::class, 'show'])->name('downloads.show');
});

Route::get('/downloads', [DownloadController::class, 'index'])->name('downloads');

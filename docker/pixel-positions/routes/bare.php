<?php

use App\Http\Controllers\DiagnosticsController;
use App\Http\Controllers\EventStreamController;
use Illuminate\Support\Facades\Route;

Route::get('/up', [DiagnosticsController::class, 'up'])->name('up');
Route::get('/hello', [DiagnosticsController::class, 'hello'])->name('hello');
Route::get('/slow', [DiagnosticsController::class, 'slow'])->name('slow');
Route::any('/echo', [DiagnosticsController::class, 'echo'])->middleware('debug')->name('echo');
Route::any('/echo/{rest}', [DiagnosticsController::class, 'echo'])->where('rest', '.*')->middleware('debug');
Route::get('/events', EventStreamController::class)->name('events');
